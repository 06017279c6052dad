"""Which wording a person gets when a step is tried in several: drawn once, the same on every try. Pure."""

import hashlib

from campaigns.definition import EmailStep


def draw_variant(step: EmailStep, *, run_id: int, contact_id: int) -> str | None:
    """A variant by its share of 100, or None for the step's own words; stable for a person, run and step."""
    if not step.variants:
        return None
    digest = hashlib.sha256(f"{run_id}:{step.id}:{contact_id}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") % 10_000 / 100
    reached = 0.0
    for name, variant in sorted(step.variants.items()):
        reached += variant.share
        if point < reached:
            return name
    return None
