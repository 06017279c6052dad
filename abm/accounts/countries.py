"""Country names and codes -> ISO 3166 alpha-2. Pure; the register is loaded on first use."""

from functools import lru_cache

_ALSO = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "america": "US",
    "united states of america": "US",
    "holland": "NL",
    "the netherlands": "NL",
    "russia": "RU",
    "south korea": "KR",
    "korea": "KR",
    "north korea": "KP",
    "vietnam": "VN",
    "turkey": "TR",
    "czech republic": "CZ",
    "ivory coast": "CI",
    "macedonia": "MK",
    "swaziland": "SZ",
    "burma": "MM",
    "cape verde": "CV",
    "uae": "AE",
    "deutschland": "DE",
    "österreich": "AT",
    "oesterreich": "AT",
    "schweiz": "CH",
    "suisse": "CH",
    "svizzera": "CH",
    "españa": "ES",
    "italia": "IT",
    "brasil": "BR",
    "méxico": "MX",
    "polska": "PL",
    "belgië": "BE",
    "belgique": "BE",
    "sverige": "SE",
    "norge": "NO",
    "danmark": "DK",
    "suomi": "FI",
    "nederland": "NL",
    "ireland": "IE",
    "éire": "IE",
    "türkiye": "TR",
    "magyarország": "HU",
    "česko": "CZ",
    "россия": "RU",
    "中国": "CN",
    "日本": "JP",
    "hong kong": "HK",
    "taiwan": "TW",
    "palestine": "PS",
    "laos": "LA",
    "syria": "SY",
    "iran": "IR",
    "bolivia": "BO",
    "venezuela": "VE",
    "moldova": "MD",
    "tanzania": "TZ",
    "brunei": "BN",
}


@lru_cache(maxsize=1)
def country_codes() -> frozenset[str]:
    """The code of every country."""
    import pycountry

    return frozenset(str(one.alpha_2) for one in pycountry.countries)


@lru_cache(maxsize=300)
def country_name(code: str) -> str:
    """How people call the country with this code; the code itself where it is none."""
    import pycountry

    found = pycountry.countries.get(alpha_2=code)
    return code if found is None else str(getattr(found, "common_name", found.name))


@lru_cache(maxsize=2_000)
def country_code(text: str) -> str | None:
    """The code of a country given by code (two or three letters) or name, else None."""
    wanted = " ".join(text.casefold().split())
    if wanted in _ALSO:
        return _ALSO[wanted]
    import pycountry

    try:
        return str(pycountry.countries.lookup(wanted).alpha_2)
    except LookupError:
        return None
