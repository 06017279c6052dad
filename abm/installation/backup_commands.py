"""`abm backup FILE` and `abm restore FILE`"""

import json
import sys
from pathlib import Path

import click

from abm.installation import backup as keeping


def _passphrase(*, is_piped: bool, is_new: bool) -> str:
    if is_piped or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new, err=True)
    return typed


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--passphrase-stdin", is_flag=True, help="Read the passphrase from standard input.")
def backup(file: Path, passphrase_stdin: bool) -> None:
    """Database, uploads and key in one file, encrypted with a passphrase; may run while the product works."""
    size = keeping.make_backup(file, passphrase=_passphrase(is_piped=passphrase_stdin, is_new=True))
    click.echo(f"Wrote {file} ({size / 2**20:.1f} MB)")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--passphrase-stdin", is_flag=True, help="Read the passphrase from standard input.")
@click.option("--json", "as_json", is_flag=True)
def restore(file: Path, passphrase_stdin: bool, as_json: bool) -> None:
    """Put a backup in the place of this installation's data. The copy does not send until `abm campaigns release`."""
    from abm.installation.supervisor import stop_product
    from core.settings import settings

    passphrase = _passphrase(is_piped=passphrase_stdin, is_new=False)
    stop_product(settings().data_dir)
    done = keeping.restore_backup(file, passphrase=passphrase)
    if as_json:
        click.echo(json.dumps({"made_at": done.made_at, "unknown": done.in_doubt, "suppressions_merged": done.merged,
                               "due": done.due, "sending": False}))
        return
    click.echo(f"Restored the backup of {done.made_at[:16]}; {done.in_doubt} messages are in doubt, {done.merged} "
               "newer suppressions were kept. Nothing is sent until `abm campaigns release`.")
    if done.due:
        click.echo(f"{done.due} messages were due by now, and the original may have sent them since the backup: those "
                   "that it had time to send are held as in doubt when you release; --hold-due holds all of them, "
                   "--send-due none (when the original stood still).", err=True)
