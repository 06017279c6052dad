"""The day on a letter is written as its reader writes it."""

from datetime import date

import pytest

from campaigns.letter_days import day_in_words


@pytest.mark.parametrize(("day", "language", "expected"), [
    (date(2026, 11, 27), "", "27 November 2026"),
    (date(2026, 11, 27), "en-US", "November 27, 2026"),
    (date(2026, 3, 1), "de", "1. März 2026"),
    (date(2026, 1, 5), "de_AT", "5. Januar 2026"),
    (date(2026, 5, 1), "fr", "1er mai 2026"),
    (date(2026, 8, 2), "FR-ca", "2 août 2026"),
    (date(2026, 12, 24), "es", "24 de diciembre de 2026"),
    (date(2026, 10, 3), "pl", "3 października 2026"),
    (date(2026, 10, 3), "cs", "3. října 2026"),
    (date(2026, 10, 3), "ja", "2026-10-03"),
])
def test_a_day_reads_as_in_the_language_of_the_letter(day: date, language: str, expected: str) -> None:
    assert day_in_words(day, language) == expected
