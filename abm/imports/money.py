"""Currencies of amounts in files: an empty one is the company's; another one needs a rate, and none are kept yet."""

from abm.imports.columns import Batch
from abm.imports.registry import Run


def settle_currency(batch: Batch, run: Run) -> None:
    """Fill the column `currency` with the company's and refuse rows in another currency."""
    own = run.company.currency
    given = batch.columns.get("currency")
    if given is not None:
        for index, currency in enumerate(given):
            if currency is not None and currency.upper() != own:
                batch.refuse(index, "currency", f"there is no rate for {currency[:20]!r}; amounts are kept in {own}")
    batch.columns["currency"] = [own] * len(batch.raw.rows)
