"""Jobs of the application's side of campaigns; the engine's own are in `campaigns.jobs`."""
