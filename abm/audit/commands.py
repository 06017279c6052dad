"""`abm audit verify`: is the audit log as it was sealed?"""

import click

from abm.audit.seals import check_seals, seal_entries
from core.db import reading, transaction

_REFUSED = 2


@click.group("audit")
def audit() -> None:
    """The audit log and its seals."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def verify(as_json: bool) -> int:
    """Compute the chain of seals again; exit code 2 where the log is not as it was sealed."""
    import json

    with transaction() as session:
        seal_entries(session)
    with reading() as session:
        found = check_seals(session)
    said = {"seals": found.seals, "entries": found.entries, "intact": found.broken is None,
            "broken_after": found.broken[0] if found.broken else None,
            "broken_up_to": found.broken[1] if found.broken else None}
    text = f"{found.entries:,} entries are as they were sealed"
    if found.broken:
        text += f"; between {found.broken[0]} and {found.broken[1]} something was changed, removed or slipped in"
    click.echo(json.dumps(said) if as_json else text)
    return _REFUSED if found.broken else 0
