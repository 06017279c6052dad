"""What moving alone would get wrong when two accounts become one. Stricter always wins: nobody is written to who was
left alone or stopped before."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Table, and_, delete, func, literal, or_, select, update

from abm.identity.moving import Move, add_row, change_row, move_rows, move_rows_unless_present, remove_rows, rows_of
from abm.orders.account_days import refresh_account_days
from core import clock
from core.db import Base, Id

Special = Callable[[Move], None]


def table(name: str) -> Table:
    return Base.metadata.tables[name]


def move_sites(move: Move) -> None:
    """The dropped account's sites stand below the kept one; the kept one never below itself."""
    accounts = table("account")
    move_rows(move, accounts.c.parent_id, accounts.c.id != move.kept)


def join_order_days(move: Move) -> None:
    """The rollup is made again from the orders, which have moved by now."""
    days = table("account_day")
    touched = select(literal(move.kept, Id).label("account_id"), days.c.day).where(days.c.account_id == move.dropped)
    refresh_account_days(move.session, touched)
    move.session.execute(delete(days).where(days.c.account_id == move.dropped))


def move_results(move: Move) -> None:
    """What past analyses said, looked up run by run: an index by account would take half of the time of storing one."""
    results, runs = table("account_result"), table("analysis_run")
    move_rows_unless_present(move, results.c.account_id, results.c.run_id.in_(select(runs.c.id)))


def join_grants(move: Move) -> None:
    """Where both were given the same offer, one grant stays (a redeemed one first) and both codes work."""
    grants, redemptions, codes = table("offer_grant"), table("redemption"), table("code_alias")
    offers = select(grants.c.offer_id).where(grants.c.account_id == move.dropped)
    _lock(move, table("offer").c.id.in_(offers), table("offer"))
    twin = grants.alias("twin")
    both = select(grants.c.id, twin.c.id).join(
        twin, and_(twin.c.offer_id == grants.c.offer_id, twin.c.account_id == move.kept)).where(
        grants.c.account_id == move.dropped)
    for dropped, kept in move.session.execute(both).all():
        redeemed = set(move.session.scalars(select(redemptions.c.grant_id).where(
            redemptions.c.grant_id.in_((dropped, kept)))))
        goes, stays = (kept, dropped) if dropped in redeemed and kept not in redeemed else (dropped, kept)
        remove_rows(move, redemptions, redemptions.c.grant_id == goes)
        move_rows_of_codes(move, goes, stays)
        for gone in remove_rows(move, grants, grants.c.id == goes):
            add_row(move, codes, {"code": gone["code"], "grant_id": stays})
    move_rows(move, grants.c.account_id)


def move_rows_of_codes(move: Move, goes: int, stays: int) -> None:
    """Codes that already stood for the grant that goes."""
    codes = table("code_alias")
    for row in rows_of(move.session, codes, codes.c.grant_id == goes):
        change_row(move, codes, row, {"grant_id": stays})


def join_cases(move: Move) -> None:
    """One open case per account: the one that is further stays, the other is set aside."""
    cases = table("winback_case")
    both = rows_of(move.session, cases, and_(cases.c.account_id.in_((move.kept, move.dropped)),
                                             cases.c.closed_at.is_(None)))
    if len(both) > 1:
        goes = min(both, key=lambda row: (row["state"] == "offered", row["account_id"] == move.kept))
        remove_rows(move, cases, cases.c.id == goes["id"])
    move_rows(move, cases.c.account_id)


def join_vetoes(move: Move) -> None:
    """Who was vetoed under either account is out of the list; of two vetoes the longer one stays."""
    vetoes, members, spells = table("list_veto"), table("list_member"), table("list_spell")
    active = rows_of(move.session, vetoes, and_(vetoes.c.account_id.in_((move.kept, move.dropped)),
                                                vetoes.c.ended_at.is_(None)))
    own = {row["list_id"]: row for row in active if row["account_id"] == move.kept}
    for row in active:
        mine = own.get(row["list_id"])
        if row["account_id"] == move.dropped and mine is not None:
            remove_rows(move, vetoes, vetoes.c.id == row["id"])
            change_row(move, vetoes, mine, {"until_on": max(mine["until_on"], row["until_on"])})
        elif row["account_id"] == move.dropped and remove_rows(move, members, and_(
                members.c.list_id == row["list_id"], members.c.account_id.in_((move.kept, move.dropped)))):
            change_row(move, vetoes, row, {"was_member": True})
            for spell in rows_of(move.session, spells, and_(
                    spells.c.list_id == row["list_id"], spells.c.account_id == move.kept, spells.c.left_at.is_(None))):
                change_row(move, spells, spell, {"left_at": clock.now(), "left_how": "veto"})
    move_rows(move, vetoes.c.account_id)


def join_holdouts(move: Move) -> None:
    """Where either family was left alone by a campaign, the whole united family is from now on."""
    draws, accounts = table("holdout_account"), table("account")
    kept_head = move.session.scalar(select(func.coalesce(accounts.c.parent_id, accounts.c.id))
                                    .where(accounts.c.id == move.kept))
    family = set(move.session.scalars(select(accounts.c.id).where(or_(
        accounts.c.id == kept_head, accounts.c.parent_id.in_((kept_head, move.kept))))))
    rows = rows_of(move.session, draws, draws.c.account_id.in_(family | {move.dropped, move.kept}))
    by_campaign: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_campaign.setdefault(row["campaign_id"], []).append(row)
    for campaign_rows in by_campaign.values():
        _join_draws(move, draws, campaign_rows)


def _join_draws(move: Move, draws: Table, rows: list[dict[str, Any]]) -> None:
    is_held_out = any(row["is_held_out"] for row in rows)
    own = {row["account_id"]: row for row in rows}
    dropped = own.pop(move.dropped, None)
    if dropped is not None:
        remove_rows(move, draws, and_(draws.c.campaign_id == dropped["campaign_id"],
                                      draws.c.account_id == move.dropped))
    if is_held_out:
        for row in own.values():
            change_row(move, draws, row, {"is_held_out": True})
    if move.kept not in own and (dropped is not None or is_held_out):
        source = dropped or rows[0]
        add_row(move, draws, {**source, "account_id": move.kept, "is_held_out": is_held_out})


def join_locks(move: Move) -> None:
    """A conversation stays with its owner until the later of the two days."""
    locks = table("conversation_lock")
    rows = {row["account_id"]: row for row in rows_of(move.session, locks, locks.c.account_id.in_(
        (move.kept, move.dropped)))}
    dropped, kept = rows.get(move.dropped), rows.get(move.kept)
    if dropped is None:
        return
    if kept is None:
        move_rows(move, locks.c.account_id)
        return
    remove_rows(move, locks, locks.c.account_id == move.dropped)
    longer = dropped if dropped["until"] > kept["until"] else kept
    values = {name: longer[name] for name in ("owner_id", "reason", "until", "detail")}
    same_exemption = kept["exempt_run_id"] == dropped["exempt_run_id"]
    change_row(move, locks, kept, {**values, "exempt_run_id": kept["exempt_run_id"] if same_exemption else None})


def join_stops(move: Move, scope: str) -> None:
    """Stops of the account (or person) itself: all stay in force; of two for one purpose one is set aside."""
    stops = table("suppression")
    own = and_(stops.c.scope == scope, stops.c.key == str(move.dropped))
    present = set(move.session.scalars(select(stops.c.purpose).where(
        stops.c.scope == scope, stops.c.key == str(move.kept), stops.c.lifted_at.is_(None))))
    for row in rows_of(move.session, stops, own):
        if row["lifted_at"] is None and row["purpose"] in present:
            remove_rows(move, stops, stops.c.id == row["id"])
        else:
            change_row(move, stops, row, {"key": str(move.kept)})
            move.count(stops, 1)


def join_aliases(move: Move, name: str, owner: str, feeds: list[str]) -> None:
    """Earlier ids of the dropped one feed only what is taken from it now, and it feeds what they do not."""
    aliases = table(name)
    rows = rows_of(move.session, aliases, and_(aliases.c[owner] == move.dropped, aliases.c.feeds.is_not(None)))
    for row in rows:
        kept = [one for one in row["feeds"] if one in feeds]
        feeds[:] = [one for one in feeds if one not in kept]
        change_row(move, aliases, row, {"feeds": kept})


def _lock(move: Move, chosen: Any, what: Table) -> None:
    """An update that changes nothing is a lock on both databases."""
    move.session.execute(update(what).where(chosen).values({"granted_count": what.c.granted_count}))


def refresh_list_counts(move: Move) -> None:
    """Lists count their members; those that lost one of two are counted again."""
    lists, members = table("target_list"), table("list_member")
    counted = select(func.count()).where(members.c.list_id == lists.c.id).scalar_subquery()
    mine = select(members.c.list_id).where(members.c.account_id.in_((move.kept, move.dropped)))
    for row in rows_of(move.session, lists, lists.c.id.in_(mine)):
        number = move.session.scalar(select(counted).where(lists.c.id == row["id"]))
        change_row(move, lists, row, {"member_count": number})


SPECIAL: Mapping[str, Special] = {
    "account_result.account_id": move_results,
    "account.parent_id": move_sites,
    "account_day.account_id": join_order_days,
    "offer_grant.account_id": join_grants,
    "list_veto.account_id": join_vetoes,
    "winback_case.account_id": join_cases,
    "holdout_account.account_id": join_holdouts,
    "conversation_lock.account_id": join_locks,
}
