"""Jobs of the application's side of campaigns; the engine's own are in `campaigns.jobs`."""

from abm.outreach import opt_in_mail

__all__ = ["opt_in_mail"]
