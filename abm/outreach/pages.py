"""All pages of campaigns: list and editor, steps, preview, launch, results."""

from abm.outreach import campaign_pages, launch_pages, message_pages, preview_pages, result_pages, step_pages
from abm.outreach.blueprint import pages

__all__ = ["campaign_pages", "launch_pages", "message_pages", "pages", "preview_pages", "result_pages", "step_pages"]
