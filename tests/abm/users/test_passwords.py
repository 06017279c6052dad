"""Passwords."""

import pytest

from abm.users import passwords


def test_an_unknown_user_costs_the_same_hash_as_a_known_one() -> None:
    assert not passwords._HASHER.check_needs_rehash(passwords._DECOY)
    assert not passwords.is_right("no such user has this password", "")


@pytest.mark.parametrize("password", [
    "password1234", "Password123!", "1q2w3e4r5t6y", "qazwsxedcrfv", "zaq12wsxcde3", "1qaz2wsx3edc", "qwertyuiop12",
    "asdfghjkl123", "iloveyou1234", "aaaaaaaaaaaa", "123456789012", "administrator", "trustno1trustno1", "abcabcabcabc",
    "starwars2026", "motdepasse123", "jane.doe12345"])
def test_what_is_on_every_list_of_stolen_passwords_is_refused(password: str) -> None:
    assert passwords.complaint(password, email="jane.doe@example.com") is not None


@pytest.mark.parametrize("password", ["seven purple elephants dance", "zq7Lr9vXc2Tn", "correct horse battery staple",
                                      "пять синих слонов", "x" * 3 + "yzwvutsrqponm", "a" * 20 + "bcdefghijk"])
def test_a_long_or_random_one_is_taken(password: str) -> None:
    assert passwords.complaint(password, email="jane.doe@example.com") is None
