"""Jobs of the application's side of campaigns; the engine's own are in `campaigns.jobs`."""

from abm.outreach import forecast_jobs, lead_jobs, opt_in_mail

__all__ = ["forecast_jobs", "lead_jobs", "opt_in_mail"]
