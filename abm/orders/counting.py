"""Which orders count. Pure."""

CANCELLED = frozenset({"cancelled", "canceled", "void", "refunded"})


def is_cancelled(status: str | None) -> bool:
    """Whether an order with this status is left out of every number."""
    return status is not None and status.strip().casefold() in CANCELLED
