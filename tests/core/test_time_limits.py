"""Questions that take too long are broken off by the database."""

import pytest
from sqlalchemy import text

from core.db import Session, is_postgres
from core.errors import TookTooLong
from core.time_limits import time_limit

_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


def test_an_endless_question_is_broken_off_and_the_session_lives_on(session: Session) -> None:
    with pytest.raises(TookTooLong), time_limit(session, 0.2):
        session.execute(text(_ENDLESS))

    assert session.scalar(text("SELECT 1")) == 1


def test_the_limit_ends_with_its_block(session: Session) -> None:
    with time_limit(session, 0.2):
        assert session.scalar(text("SELECT 1")) == 1

    slow = "SELECT 1 FROM pg_sleep(0.4)" if is_postgres(session) else (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000) SELECT min(x) FROM n")
    assert session.scalar(text(slow)) == 1


def test_other_errors_are_not_mistaken_for_it(session: Session) -> None:
    with pytest.raises(Exception, match="no_such_table"), time_limit(session, 5):
        session.execute(text("SELECT * FROM no_such_table"))
