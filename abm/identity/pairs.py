"""Proposed pairs when two of them become one."""

from sqlalchemy import and_, or_

from abm.identity.moving import Move, change_row, remove_rows, rows_of
from abm.identity.special import table

_STRICTER = ("open", "merged", "dismissed")


def carry_pairs(move: Move, subject: str) -> None:
    """The pair itself is merged; what was proposed or dismissed about the dropped one holds for the kept one."""
    pairs = table("duplicate_pair")
    mine = and_(pairs.c.subject == subject, or_(pairs.c.first_id == move.dropped, pairs.c.second_id == move.dropped))
    for row in rows_of(move.session, pairs, mine):
        other = row["second_id"] if row["first_id"] == move.dropped else row["first_id"]
        if other == move.kept:
            change_row(move, pairs, row, {"state": "merged"})
            continue
        first, second = sorted((move.kept, other))
        twins = rows_of(move.session, pairs, and_(pairs.c.subject == subject, pairs.c.first_id == first,
                                                  pairs.c.second_id == second))
        if twins:
            remove_rows(move, pairs, pairs.c.id == row["id"])
            change_row(move, pairs, twins[0], {"state": max(row["state"], twins[0]["state"], key=_STRICTER.index)})
        else:
            change_row(move, pairs, row, {"first_id": first, "second_id": second})
