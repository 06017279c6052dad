"""A country as people say it: by its name or two or three letters; accounts keep the code or the text as given."""

from functools import lru_cache

from abm.accounts.countries import country_code


@lru_cache(maxsize=1000)
def country_names(said: str) -> tuple[str, ...]:
    """The forms in which accounts of this country may be kept: what was said, and the ISO code where there is one."""
    code = country_code(said)
    return (said,) if code is None or code.casefold() == said.casefold() else (said, code)
