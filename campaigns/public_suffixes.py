"""The public suffixes as they ship with the package: nobody is asked, and the list is read once per process."""

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def public_suffixes() -> Any:
    """A `tldextract.TLDExtract`; the package is imported on the first question, not at every start."""
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
