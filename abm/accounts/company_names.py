"""Company names and web domains in the form in which duplicates are looked for. Pure; lists are read on first use."""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from campaigns.free_mail import free_mail_domains
from campaigns.public_suffixes import public_suffixes

_FOLDER = Path(__file__).parent / "reference"
_ANYWHERE = "XX"
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "&": " and ",
                          "+": " and "})
_INSIDE = re.compile(r"(?<=\w)[.'’](?=\w)|[.'’](?=\s|$)")
_APART = re.compile(r"[\W_]+")
_JOINING = frozenset({"and", "und", "et"})
# Forms that stand before the name as often as behind it; any other one is only taken from the end.
_IN_FRONT = frozenset({
    "ооо", "оао", "зао", "пао", "ао", "нао", "ип", "гуп", "муп", "фгуп", "тов", "тзов", "прат", "пат", "ат", "дп", "пп",
    "доо", "дд", "doo", "pt", "cv", "sa", "sas", "sarl", "srl", "spa", "ad", "ead", "eood", "ood",
    "株式会社", "有限会社", "合同会社", "㈱", "주식회사", "유한회사",
})
_JOINED = (
    "集团股份有限公司", "集团有限公司", "股份有限公司", "有限责任公司", "有限公司", "股份公司", "公司",
    "株式会社", "有限会社", "合同会社", "合資会社", "合名会社", "주식회사", "유한회사",
)
_LONGEST_FORM = 6


def fold_name(name: str) -> str:
    """Case, accents and punctuation made equal; `&` and words for "and" taken out."""
    text = unicodedata.normalize("NFKC", name).casefold().translate(_LETTERS)
    text = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    text = unicodedata.normalize("NFC", text)
    words = _APART.sub(" ", _INSIDE.sub("", text)).split()
    return " ".join(_initials_joined([word for word in words if word not in _JOINING]))


def _initials_joined(words: list[str]) -> list[str]:
    """`a o smith` -> `ao smith`: initials are written with and without blanks."""
    joined: list[str] = []
    was_initial = False
    for word in words:
        is_initial = len(word) == 1 and word.isalpha() and word.isascii()
        if is_initial and was_initial:
            joined[-1] += word
        else:
            joined.append(word)
        was_initial = is_initial
    return joined


@lru_cache(maxsize=20_000)
def core_name(name: str, country: str = "") -> str:
    """The folded name without its legal form: `Müller & Söhne GmbH & Co. KG` and `Muller Sohne` are the same.

    Forms of the account's country are known, and those that are written everywhere. A name that would have nothing left
    stays as it is."""
    folded = fold_name(name)
    words = folded.split()
    if len(words) > 1 and "the" in (words[0], words[-1]):
        words = words[1:] if words[0] == "the" else words[:-1]
    forms = _forms_of(country)
    while True:
        shorter = _without_last(words, forms) or _without_first(words)
        if not shorter:
            break
        words = shorter
    return _without_joined(" ".join(words))[:300]


def _without_last(words: list[str], forms: frozenset[str]) -> list[str]:
    for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        if " ".join(words[-length:]) in forms:
            return words[:-length]
    return []


def _without_first(words: list[str]) -> list[str]:
    return words[1:] if len(words) > 1 and words[0] in _IN_FRONT else []


def _without_joined(name: str) -> str:
    """Chinese, Japanese and Korean forms stand without a blank."""
    for form in _JOINED:
        for rest in (name.removesuffix(form), name.removeprefix(form)):
            if rest != name and len(rest.strip()) > 1:
                return rest.strip()
    return name


@lru_cache(maxsize=300)
def _forms_of(country: str) -> frozenset[str]:
    known = _legal_forms()
    return known.get(country.upper(), frozenset()) | known[_ANYWHERE]


@lru_cache(maxsize=1)
def _legal_forms() -> dict[str, frozenset[str]]:
    lines = (_FOLDER / "legal_forms.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line and not line.startswith("#")]
    return {country: frozenset(forms) for country, *forms in rows}


def block_of(core: str) -> str:
    """Names are compared closely with those of the same block only: the first letters of the first and of the last
    word, and every number, since `Depot 4` is not a misspelt `Depot 5`."""
    words = core.split() or [""]
    return (f"{words[0][:4]}#{words[-1][:2]}#" + ",".join(re.findall(r"\d+", core)))[:60]


@lru_cache(maxsize=20_000)
def registrable_domain(text: str) -> str | None:
    """`shop.example.co.uk` -> `example.co.uk`; None for what has no registrable domain. Asks no network. Where no rule
    of the public suffix list fits, the last label is the suffix, as the list says: `shop.acme.lan` -> `acme.lan`."""
    found = public_suffixes()(text.strip().casefold())
    label = found.subdomain.rpartition(".")[2]
    if label and not (found.suffix or found.ipv4 or found.ipv6):
        return f"{label}.{found.domain}"
    return str(found.top_domain_under_public_suffix) or None


def is_free_mail(domain: str) -> bool:
    """Whether anybody gets a mailbox there, so that it says nothing about a company."""
    domain = domain.strip().casefold()
    return domain in free_mail_domains() or (registrable_domain(domain) or "") in free_mail_domains()


def matching_domain(text: str) -> str | None:
    """The registrable domain by which a company may be known: never one of free mail."""
    return None if is_free_mail(text) else registrable_domain(text)
