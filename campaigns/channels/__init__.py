"""How messages leave the house. A channel is one module here and a line in `campaigns.channels.registry`."""
