"""How a person's name is put together from what is known of it."""


def full_name(first: str | None, last: str | None) -> str:
    """Empty where neither is known."""
    return " ".join(filter(None, (first, last)))
