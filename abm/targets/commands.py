"""abm lists list | apply | preview | members | explain, and what `agreement_commands` adds."""

import json
from pathlib import Path
from typing import Any

import click

from abm.targets import agreement_commands, queries
from abm.targets.actions import Applied, refresh_list, save_list
from abm.targets.agreement_queries import find_active_veto
from abm.targets.explain import Explanation, say_cut, say_value
from abm.targets.files import ListDefinition, load_yaml, read_definition
from abm.targets.models import TargetList
from abm.targets.previews import COUNTING_SECONDS, SAVING_SECONDS, Preview, preview
from abm.targets.scopes import get_vocabulary
from abm.targets.sentence import say_list
from abm.targets.sources import make_vocabulary
from abm.web.spreadsheets import write_csv
from abm.web.terminal import DONE, PARTLY, answer, plain
from core.db import Session, transaction
from core.errors import CannotRun, InvalidInput
from core.time_limits import time_limit

_FILE = click.Path(path_type=Path)
_MOST_NAMED = 20
_SECONDS = click.FloatRange(min=0, min_open=True, max=3600)


@click.group()
def lists() -> None:
    """Target lists: accounts chosen by rules or by hand."""


for _command in agreement_commands.COMMANDS:
    lists.add_command(_command)


@lists.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_(as_json: bool) -> int:
    """All lists: how many accounts, when they were changed, and what sales said to them."""
    with transaction() as session:
        found = [_summarise(each) for each in queries.list_lists(session)]
    answer({"lists": found}, as_json=as_json, text="\n".join(
        f"{each['list']:34} {each['accounts']:>9,}  {each['kind']:8} {_say_sales(each):36} {each['title']}".rstrip()
        for each in found) or "No lists yet; `abm lists apply FILE` makes one")
    return DONE


def _summarise(each: queries.ListSummary) -> dict[str, Any]:
    signed = each.signed
    return {"list": each.name, "title": each.title, "kind": each.kind, "accounts": each.member_count,
            "who": each.sentence, "changed_at": each.changed_at, "refreshed_at": each.refreshed_at,
            "sign_off": {"state": each.agreement, "by": signed.by_name, "at": signed.signed_at,
                         "accounts": signed.accounts} if signed else None}


def _say_sales(row: dict[str, Any]) -> str:
    signed = row["sign_off"]
    if signed is None:
        return "not signed off"
    words = "signed off by" if signed["state"] == "signed" else "sign-off is void:"
    return f"{words} {signed['by']}"


@lists.command("apply")
@click.argument("file", type=_FILE)
@click.option("--within", type=_SECONDS, default=SAVING_SECONDS, show_default=True,
              help="Give up, with nothing changed, when the database takes longer than this many seconds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def apply_(file: Path, within: float, as_json: bool) -> int:
    """Create or change the list that FILE says. The same file again changes nothing."""
    with transaction() as session:
        definition = _read(session, file)
        with time_limit(session, within):
            done = save_list(session, definition=definition)
        result = _describe(done)
    answer(result, as_json=as_json, text=_say_applied(result))
    return _complain_of_unknown(done.unknown)


def _describe(done: Applied) -> dict[str, Any]:
    state = "created" if done.is_new else "changed" if done.is_changed or done.entered or done.left else "unchanged"
    return {"list": done.row.name, "state": state, "accounts": done.row.member_count, "entered": done.entered,
            "left": done.left, "unknown": list(done.unknown)}


def _say_applied(result: dict[str, Any]) -> str:
    moved = f" ({result['entered']:,} entered, {result['left']:,} left)" if result["entered"] or result["left"] else ""
    return f"{result['list']}: {result['state']}, {result['accounts']:,} accounts{moved}"


@lists.command("preview")
@click.argument("file", type=_FILE)
@click.option("--within", type=_SECONDS, default=COUNTING_SECONDS, show_default=True,
              help="Give up when the database takes longer than this many seconds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def preview_(file: Path, within: float, as_json: bool) -> int:
    """What the list in FILE would hold now; nothing is saved."""
    with transaction() as session:
        definition = _read(session, file)
        with time_limit(session, within):
            found = preview(session, definition)
    answer(found.to_json(), as_json=as_json, text=_say_preview(definition, found))
    return _complain_of_unknown(found.unknown)


def _say_preview(definition: ListDefinition, found: Preview) -> str:
    said = "Chosen by hand." if definition.is_static else say_list(definition.who, definition.top, make_vocabulary())
    lines = [said, f"{found.accounts:,} accounts, {found.contacts:,} people, counted in {found.seconds:.2f} s"]
    return "\n".join(lines + [f"  {each['account_id']}  {each['name']}" for each in found.sample])


@lists.command("members")
@click.argument("name")
@click.option("--csv", "csv_file", type=_FILE, help="Write the members there instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def members(name: str, csv_file: Path | None, as_json: bool) -> int:
    """The accounts of a list, brought up to date first."""
    with transaction() as session:
        row = refresh_list(session, name=name)
        if csv_file is not None:
            count = _write_members(session, row, csv_file)
            answer({"list": name, "accounts": count, "file": str(csv_file)}, as_json=as_json,
                   text=f"{count:,} accounts written to {csv_file}")
            return DONE
        found = [dict(zip(queries.MEMBER_COLUMNS, each, strict=True))
                 for each in queries.iterate_members(session, list_id=row.id)]
    answer({"list": name, "accounts": len(found), "members": found}, as_json=as_json,
           text="\n".join(f"{each['account_id']}\t{each['name']}" for each in found))
    return DONE


def _write_members(session: Session, row: TargetList, path: Path) -> int:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            return write_csv(file, columns=queries.MEMBER_COLUMNS,
                             rows=queries.iterate_members(session, list_id=row.id))
    except OSError as error:
        raise CannotRun(f"The members cannot be written to {path}: {error.strerror}; choose another file") from error


@lists.command("explain")
@click.argument("name")
@click.argument("account_id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def explain(name: str, account_id: str, as_json: bool) -> int:
    """Why the account is in the list or not: each condition, true or false, with the account's own value."""
    with transaction() as session:
        row = queries.get_list(session, name)
        account = queries.get_account_by_external_id(session, account_id)
        found = queries.explain_member(session, row=row, account_id=account.id)
        veto = find_active_veto(session, list_id=row.id, account_id=account.id)
        is_static = row.kind == "static"
    result = _explanation_json(name, account_id, found)
    result["veto"] = {"reason": veto.reason, "until": veto.until_on, "by": veto.by_name} if veto else None
    kept_out = [f"  {veto.by_name} keeps it out until {veto.until_on}: {veto.reason}"] if veto else []
    answer(result, as_json=as_json,
           text="\n".join([f"{account_id} {account.name} is {'in' if found.is_in else 'not in'} the list {name}",
                           *kept_out, *_say_explanation(found, is_static)]))
    return DONE


def _say_explanation(found: Explanation, is_static: bool) -> list[str]:
    if is_static:
        return ["  the list is kept by hand"]
    lines = []
    for line in found.lines:
        own = f"  [{say_value(line.value)}]" if line.has_value else ""
        lines.append(f"{'  ' * (line.depth + 1)}{'true ' if line.is_true else 'false'}  {line.text}{own}")
    if found.rank is not None:
        of = f" of {found.candidates:,}" if found.candidates else ""
        lines.append(f"  place {found.rank:,}{of} by the list's ranking")
    if found.cut is not None:
        lines.append(f"  {say_cut(found.cut, make_vocabulary())}")
    return lines


def _explanation_json(name: str, account_id: str, found: Explanation) -> dict[str, Any]:
    conditions = [{"place": line.place, "condition": line.text, "is_true": line.is_true,
                   "value": json.loads(json.dumps(line.value, default=plain))} for line in found.lines]
    return {"list": name, "account_id": account_id, "is_in": found.is_in, "conditions": conditions, "rank": found.rank,
            "candidates": found.candidates,
            "cut": json.loads(json.dumps(found.cut.to_json(), default=plain)) if found.cut else None}


def _read(session: Session, path: Path) -> ListDefinition:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"The file {path} cannot be read: {error.strerror}; give the path of a YAML file") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The file {path} is not UTF-8 text; save it as UTF-8") from error
    return read_definition(load_yaml(text), get_vocabulary(session))


def _complain_of_unknown(unknown: tuple[str, ...]) -> int:
    """Ids that no account has: the rest was done."""
    if not unknown:
        return DONE
    more = f" and {len(unknown) - _MOST_NAMED:,} more" if len(unknown) > _MOST_NAMED else ""
    named = ", ".join(unknown[:_MOST_NAMED]) + more
    click.echo(f"{len(unknown):,} account ids are unknown and were left out: {named}; import them first", err=True)
    return PARTLY
