"""The company itself: zone, currency, working hours, caps, costs; changed in Settings."""
