"""Passwords."""

from abm.users import passwords


def test_an_unknown_user_costs_the_same_hash_as_a_known_one() -> None:
    assert not passwords._HASHER.check_needs_rehash(passwords._DECOY)
    assert not passwords.is_right("no such user has this password", "")
