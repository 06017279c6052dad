"""The day on a letter, in the words of the language that the letter is written in: pure."""

from datetime import date

_EN = "January February March April May June July August September October November December"
_MONTHS: dict[str, list[str]] = {language: months.split() for language, months in {
    "en": _EN,
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
}.items()}
_FORMS = {"de": "{day}. {month} {year}", "cs": "{day}. {month} {year}", "es": "{day} de {month} de {year}",
          "pt": "{day} de {month} de {year}", "en-us": "{month} {day}, {year}"}
_USUAL = "{day} {month} {year}"


def day_in_words(day: date, language: str) -> str:
    """27. November 2026 for `de` or `de-AT`; English where no language is given, ISO 8601 where it is not known."""
    wanted = (language or "en").replace("_", "-").lower()
    plain = wanted.split("-")[0]
    if plain not in _MONTHS:
        return day.isoformat()
    number = "1er" if plain == "fr" and day.day == 1 else str(day.day)
    form = _FORMS.get(wanted) or _FORMS.get(plain, _USUAL)
    return form.format(day=number, month=_MONTHS[plain][day.month - 1], year=day.year)
