"""What may be promised to win an account back, with limits, validity and redemption."""
