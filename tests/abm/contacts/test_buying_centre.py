import pytest

from abm.contacts.buying_centre import completeness, role_word, seats


@pytest.mark.parametrize(("roles", "required", "expected"), [
    ([], {"champion": 1, "user": 2}, 0), (["champion"], {"champion": 1, "user": 2}, 50),
    (["champion", "user"], {"champion": 1, "user": 2}, 75), (["user"] * 9, {"champion": 1, "user": 2}, 50),
    (["blocker", None, "champion", "user", "user"], {"champion": 1, "user": 2}, 100), (["user"], {}, None),
])
def test_completeness_is_the_mean_over_required_roles_of_known_by_needed(roles, required, expected):
    assert completeness(seats(roles, required)) == expected


def test_empty_seats_are_counted():
    assert [seat.missing for seat in seats(["champion"], {"champion": 1, "user": 2})] == [0, 2]


def test_a_role_that_is_not_ours_is_shown_as_it_came():
    assert role_word("head_of_it") == "Head of it"
