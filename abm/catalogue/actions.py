"""Changing what sellers should know about a product."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.catalogue.models import Product
from abm.catalogue.queries import get_product
from core import clock

KNOWLEDGE = {"application": 10_000, "availability_note": 300}


def describe_product(session: Session, *, product_id: int, values: Mapping[str, Any]) -> Product:
    """Set the application note and what is to be said about availability; imports leave both alone. Raises NotFound."""
    product = get_product(session, product_id)
    changed = {name: values[name] for name in KNOWLEDGE if name in values and values[name] != getattr(product, name)}
    if changed:
        before = {name: getattr(product, name) for name in changed}
        for name, value in changed.items():
            setattr(product, name, value)
        product.updated_at = clock.now()
        record(session, action="product.describe", subject="product", subject_id=product.id, before=before,
               after=changed)
    return product
