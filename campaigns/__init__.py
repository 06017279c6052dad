"""The outreach engine: campaigns, the send gate, the outbox, channels, consent, tracking. Knows neither Flask nor abm."""
