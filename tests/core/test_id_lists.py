"""`is_among` answers as IN does, on both databases."""

from sqlalchemy import Column, Integer, MetaData, String, Table, delete, insert, select

from core import db
from core.id_lists import is_among

_numbers = Table("id_list_example", MetaData(), Column("id", Integer, primary_key=True), Column("key", String(20)))


def _with_numbers() -> None:
    _numbers.metadata.drop_all(db.engine())
    _numbers.metadata.create_all(db.engine())
    with db.transaction() as session:
        session.execute(insert(_numbers), [{"id": number, "key": str(number)} for number in range(1, 9)])


def test_numbers_and_texts_are_found_as_with_in(database: None) -> None:
    _with_numbers()
    with db.reading() as session:
        assert set(session.scalars(select(_numbers.c.id).where(is_among(_numbers.c.id, {2, 3, 99})))) == {2, 3}
        assert set(session.scalars(select(_numbers.c.id).where(is_among(_numbers.c.key, [3, 5])))) == {3, 5}


def test_a_kept_statement_takes_the_ids_of_each_call(database: None) -> None:
    _with_numbers()
    with db.reading() as session:
        found = [session.scalars(select(_numbers.c.id).where(is_among(_numbers.c.id, [one]))).all() for one in (1, 2)]
    assert found == [[1], [2]]


def test_nothing_is_among_no_ids(database: None) -> None:
    _with_numbers()
    with db.transaction() as session:
        assert session.connection().execute(delete(_numbers).where(is_among(_numbers.c.id, []))).rowcount == 0
    _numbers.metadata.drop_all(db.engine())
