"""What is read, and what is refused since two readers could understand it differently."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.accounts.importer import LAYOUT
from abm.api.bodies import DEEPEST, NotPlainJson, read_json, read_list, read_rows
from core.errors import InvalidInput


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("body", [
    b"", b"{", b"{}x", b"NaN", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1, "a": 2}', b'{"x": [{"a": 1, "a": 1}]}',
    b"\xff\xfe{\x00}\x00", b'"\xc3\x28"', nested(DEEPEST + 1), nested(500_000), b'{"a":' * 30, b"'a'", b"{'a': 1}",
    b'\xef\xbb\xbf{"a": 1}', b"[1,]", b"01", b"+1", b".5",
])
def test_a_body_that_is_not_plain_json_is_refused(body):
    with pytest.raises(NotPlainJson):
        read_json(body)


def test_twenty_levels_are_read_and_brackets_in_texts_are_none():
    assert read_json(nested(DEEPEST))
    assert read_json(b'{"a": "' + b"[{" * 50 + b'\\" [[["}') == {"a": "[{" * 50 + '" [[['}


def test_numbers_keep_every_digit():
    assert read_json(b"[1.10, 123456789012345678901234567890, 1e400]") == [
        "1.10", "123456789012345678901234567890", "1e400"]


PLAIN = st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner, max_size=4)
                     | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20)


@given(PLAIN)
def test_whatever_is_plain_is_read_as_it_is(value):
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("value", [[], {}, {"rows": {}}, {"rows": []}, {"rows": [1]}, {"rows": [{}], "more": 1},
                                   {"rows": [{}] * 1001}])
def test_a_list_of_objects_is_asked_for(value):
    with pytest.raises(InvalidInput):
        read_list(value, "rows")


@pytest.mark.parametrize("rows", [
    [{"account_id": "1", "id": "7"}], [{"account_id": "1"}, {"name": "x"}], [{"account_id": ["1"]}],
    [{"account_id": {"a": "1"}}], [{"employees": "1,5"}], [{"employees": "1e5"}], [{"annual_revenue": "1.234,5"}],
    [{"name": "a\x00b"}], [{"name": "\ud800"}],
])
def test_rows_that_cannot_be_a_file_are_refused(rows):
    with pytest.raises(InvalidInput):
        read_rows(rows, LAYOUT)


def test_cells_are_texts_as_they_were_sent():
    header, cells = read_rows([{"account_id": "=1+1", "employees": "12.50", "name": None}], LAYOUT)
    assert (header, cells) == (["account_id", "employees", "name"], [["=1+1", "12.50", ""]])
