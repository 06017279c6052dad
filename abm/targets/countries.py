"""A country as people say it: by its name or two or three letters; accounts keep the code or the text as given."""

from functools import lru_cache


@lru_cache(maxsize=1000)
def country_names(said: str) -> tuple[str, ...]:
    """Every form in which accounts of this country may be kept: what was said, and the ISO code where there is one."""
    if len(said) == 2 and not said.isalpha():
        return (said,)
    import pycountry  # reading its tables costs too much at start-up

    try:
        found = pycountry.countries.lookup(said.strip())
    except LookupError:
        return (said,)
    names = (said, found.alpha_2, found.name, getattr(found, "common_name", found.name))
    return tuple({name.casefold(): name for name in reversed(names)}.values())
