"""The words of the contract: columns of the export in their order, periods, kinds of value, factors."""

EXPORT_COLUMNS = (
    "account_id", "orders", "value", "share", "cumulative_share", "abc", "cv", "xyz", "is_new", "cell", "recency_days",
    "frequency", "monetary", "r", "f", "m", "order_days", "median_gap_days", "days_since_last", "overdue_ratio",
    "rhythm", "p_alive", "expected_orders_12m",
)
# What a run knows beyond the contract's columns; pages and list rules show it.
FURTHER_COLUMNS = (
    "key_membership", "segment", "seasonal_years", "recent_gap_days", "year_value", "year_before_value",
    "relative_share", "quadrant", "expected_value_12m",
)
STORED_COLUMNS = (*EXPORT_COLUMNS[1:], "first_on", "last_on", *FURTHER_COLUMNS)

PERIODS = ("auto", "month", "quarter", "half-year")
VALUE_KINDS = ("revenue", "margin", "orders", "units")
FACTORS = ("account", "site", "parent", "product", "region")
# How the first column of a factor's export is called.
KEY_COLUMNS = {"account": "account_id", "site": "account_id", "parent": "account_id", "product": "sku",
               "region": "region"}
ONE = {"account": "account", "site": "site", "parent": "parent", "product": "product", "region": "region"}
MANY = {one: f"{word}s" for one, word in ONE.items()}
# The models of leaving and spending are about customers; a product or a region does not leave.
CUSTOMERS = frozenset({"account", "site", "parent"})
