"""The words of offers: kinds, causes of loss, and the ladder they stand on."""

KINDS = {
    "information": "Information: say what has been mended",
    "priority": "Priority: first in the queue",
    "guarantee": "Special guarantee",
    "service": "Better service",
    "maintenance": "Maintenance",
    "repair": "Repair",
    "upgrade": "Upgrade",
    "gift": "Gift",
    "credit": "Credit on the next order",
    "discount": "Discount",
}

CAUSES = {
    "service": "Service",
    "quality": "Quality",
    "deadline": "Missed deadlines",
    "price": "Price",
    "competitor": "Went to a competitor",
    "contact_left": "Our contact left",
    "no_need": "No need any more",
    "other": "Something else",
}

RUNGS = {
    1: "Say what was mended",
    2: "Upgrade or service",
    3: "Credit",
    4: "Discount",
}

_RUNG_OF_KIND = {"information": 1, "priority": 1, "guarantee": 1, "service": 2,
                 "maintenance": 2, "repair": 2, "upgrade": 2, "gift": 3, "credit": 3,
                 "discount": 4}


def usual_rung(kind: str) -> int:
    """The rung a kind stands on: the cheaper and less price-bound promise comes first."""
    return _RUNG_OF_KIND[kind]


def fits(*, offer_cause: str | None, case_cause: str | None) -> bool:
    """An offer without a cause fits every loss; one with a cause fits that loss only."""
    return offer_cause is None or offer_cause == case_cause
