"""Whether somebody's words ask for material. Pure: a proposal, a person decides."""

import re

_WORDS = (
    "brochure", "catalog", "catalogue", "price list", "pricelist", "data sheet", "datasheet", "leaflet", "sample",
    "documentation", "flyer", "spec sheet", "white paper", "presentation",
    "broschüre", "katalog", "preisliste", "datenblatt", "unterlagen", "muster", "prospekt",
    "tarif", "fiche technique", "documentation", "échantillon", "plaquette",
    "folleto", "catálogo", "lista de precios", "muestra", "catalogo", "listino", "campione",
    "каталог", "прайс", "брошюр", "образец", "ценовник", "каталог", "目录", "报价单", "样品",
)
_ASKS = re.compile("|".join(sorted({re.escape(word) for word in _WORDS}, key=len, reverse=True)), re.IGNORECASE)


def find_wish(text: str) -> str:
    """The words that ask for material, as they were written; empty where nothing does."""
    found = _ASKS.search(text or "")
    return found[0] if found else ""
