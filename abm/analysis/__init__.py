"""Which accounts are key: ABC, XYZ, RFM, rhythm, P(alive)."""
