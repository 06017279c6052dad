"""Codes of offers: made so that they can be read out on the telephone and not be guessed."""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP = 5


def make_code() -> str:
    """Ten characters in two groups, without those that are mistaken for others; about 49 bits of chance."""
    characters = "".join(secrets.choice(ALPHABET) for _ in range(2 * GROUP))
    return f"{characters[:GROUP]}-{characters[GROUP:]}"


def tidy_code(typed: str) -> str:
    """What a person typed, in the form codes are stored in: upper case, one hyphen, no spaces."""
    characters = "".join(sign for sign in typed.upper() if sign.isalnum())
    return f"{characters[:GROUP]}-{characters[GROUP:]}" if len(characters) > GROUP else characters
