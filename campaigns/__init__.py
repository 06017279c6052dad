"""The outreach engine: campaigns, send gate, outbox, channels, consent, tracking. Knows neither Flask nor abm."""
