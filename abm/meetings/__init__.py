"""The weekly meeting of sales and marketing."""
