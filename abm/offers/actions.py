"""Changing offers, and what others may do with them."""

from abm.offers.granting import grant_offers

__all__ = ["grant_offers"]
