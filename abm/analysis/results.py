"""The words of the contract: columns of the export in their order, periods, kinds of value."""

EXPORT_COLUMNS = (
    "account_id", "orders", "value", "share", "cumulative_share", "abc", "cv", "xyz", "is_new", "cell", "recency_days",
    "frequency", "monetary", "r", "f", "m", "order_days", "median_gap_days", "days_since_last", "overdue_ratio",
    "rhythm", "p_alive", "expected_orders_12m",
)

PERIODS = ("auto", "month", "quarter", "half-year")
VALUE_KINDS = ("revenue", "margin", "orders", "units")
