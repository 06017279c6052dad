"""Names for files and addresses, made from titles."""

import re
import unicodedata


def slug(title: str) -> str:
    """`A accounts, silent` → `a-accounts-silent`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80]
