"""All pages of campaigns: list and editor, steps, preview, launch, results; and their part of other pages."""

from abm.outreach import (
    campaign_pages,
    content_pages,
    country_pages,
    doubt_pages,
    dry_run_pages,
    effect_pages,
    forecast_pages,
    history_pages,
    launch_pages,
    lead_pages,
    letter_pages,
    letter_preview_pages,
    message_pages,
    play_pages,
    preview_pages,
    result_pages,
    snippet_pages,
    step_pages,
    why_not_pages,
)
from abm.outreach.account_panel import add_panel
from abm.outreach.blueprint import pages
from abm.outreach.queries import count_waiting_campaigns
from abm.outreach.timeline import add_timeline
from abm.web.menu import register_count

add_panel()
add_timeline()
register_count("Campaigns", count_waiting_campaigns)

__all__ = ["campaign_pages", "content_pages", "country_pages", "doubt_pages", "dry_run_pages", "effect_pages",
           "forecast_pages", "history_pages", "launch_pages", "lead_pages", "letter_pages", "letter_preview_pages",
           "message_pages", "pages", "play_pages", "preview_pages", "result_pages", "snippet_pages", "step_pages",
           "why_not_pages"]
