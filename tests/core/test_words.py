"""Searching by the beginnings of words finds what a person would expect, whatever was written, changed or erased."""

import re

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from sqlalchemy import delete, select, update

from abm.contacts.models import Contact
from abm.outreach.erasure import erase_person
from core import db
from core.words import has_words, split_words
from tests.factories import make_account, make_contact


def found(session, text, **more):
    return set(session.scalars(select(Contact.id).where(has_words("contact", Contact.id, text, **more))))


@pytest.fixture
def person(session):
    return make_contact(session, first_name="Zoë", last_name="O'Brien-Müller", email="z.brien@mail.example.com",
                        external_id="CRM-0042", title="Head of R&D").id


@pytest.mark.parametrize("text", [
    "zoë", "ZO", "bri", "o'brien", "müll", "MÜLLER", "z.brien@mail.example.com", "mail.ex", "crm-0042", "0042",
    "head r&d", "zoë müller", "müller zoë", "  head  ", "zoë%", "'zoë'", '"zoë"', "zoë*", "zoë & head", "head-of",
    "zoë ')--"])
def test_a_person_is_found_by_the_beginnings_of_words(session, person, text):
    assert found(session, text) == {person}


@pytest.mark.parametrize("text", [
    "", "%", "_", "*", '"', "rien", "zoë stone", "NOT zoë", "zoë OR stone", "first_name:stone"])
def test_what_begins_no_word_finds_nobody(session, person, text):
    assert found(session, text) == set()


def test_a_change_is_searched_at_once(session, person):
    session.execute(update(Contact).where(Contact.id == person).values(last_name="Stone", title=None))
    assert (found(session, "stone"), found(session, "müller"), found(session, "head")) == ({person}, set(), set())
    session.execute(delete(Contact).where(Contact.id == person))
    assert found(session, "stone") == found(session, "crm") == set()


def test_people_of_a_removed_account_are_no_longer_found(session, person):
    contact = session.get_one(Contact, person)
    session.delete(contact.account)
    session.flush()
    assert found(session, "zoë") == set()


def test_no_word_of_an_erased_person_is_found(database):
    with db.transaction() as session:
        make_contact(session, first_name="Zoë", email="z.brien@mail.example.com")
    with db.transaction() as session:
        erase_person(session, email="z.brien@mail.example.com")
    with db.reading() as session:
        assert found(session, "zoë") == found(session, "brien") == found(session, "z.brien@mail.example.com") == set()


def test_only_so_many_are_looked_at(session):
    account = make_account(session)
    for _ in range(5):
        make_contact(session, account, first_name="Ada")
    assert len(found(session, "ada", most=3)) == 3


texts = strategies.text(alphabet="aAbéÉß_.-@ '%&", max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=strategies.lists(texts, min_size=1, max_size=4), typed=texts)
def test_found_are_those_in_whom_every_word_begins_a_word(session, names, typed):
    people = {make_contact(session, first_name=name, last_name=None, email=None, title=None,
                           external_id=str(number)).id: name for number, name in enumerate(names)}
    words = split_words(typed)

    def fits(name):
        own = re.findall(r"[^\W_]+", name.lower())
        return words and all(any(part.startswith(word) for part in own) for word in words)

    assert found(session, typed) == {key for key, name in people.items() if fits(name)}
    session.rollback()
