"""`abm offers` on the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abm.cli import main
from abm.offers.granting import grant_offers
from abm.offers.models import Offer
from core import db
from tests.factories import make_account, make_order

CREATE = ["offers", "create", "free-upgrade", "--title", "Free upgrade", "--kind", "upgrade", "--until", "2026-12-31"]


@pytest.fixture(autouse=True)
def _autumn(at, database: Path) -> None:
    at(datetime(2026, 10, 1, 10, tzinfo=UTC))


def test_an_offer_made_by_command_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CREATE, "--limit", "20", "--cost", "45.50"]) == 0
    capsys.readouterr()
    assert main(["offers", "list", "--json"]) == 0
    (offer,) = json.loads(capsys.readouterr().out)["offers"]
    assert (offer["name"], offer["rung"], offer["limit"], offer["cost"]) == ("free-upgrade", 2, 20, 45.5)
    assert (offer["valid_from"], offer["valid_until"]) == ("2026-10-01", "2026-12-31")


@pytest.mark.parametrize(("more", "sentence"), [
    (["--until", "2025-01-01"], "before the first"), (["--limit", "0"], "limit"), (["--cost", "much"], "cost"),
])
def test_a_wrong_offer_is_refused_in_one_sentence(more: list[str], sentence: str, capsys) -> None:
    assert main([*CREATE, *more]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with db.reading() as session:
        assert session.query(Offer).count() == 0


def test_a_code_is_redeemed_once(capsys: pytest.CaptureFixture[str]) -> None:
    main(CREATE)
    with db.transaction() as session:
        account = make_account(session)
        order = make_order(session, account, on=datetime(2026, 10, 2).date(), amount="10").external_id
        (promise,) = grant_offers(session, offer_name="free-upgrade", recipients=[(0, account.id)]).values()
    assert main(["offers", "redeem", promise["code"], order]) == 0
    assert main(["offers", "redeem", promise["code"], order]) == 2
    assert "redeemed already" in capsys.readouterr().err
