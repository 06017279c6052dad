"""Collects the commands; each is loaded when it is asked for, so that `abm --help` is quick."""

import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from typing import cast

import click
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from abm.web.terminal import COULD_NOT_RUN, REFUSED
from core.errors import AbmError, CannotRun
from core.logs import set_up_logs

COMMANDS: dict[str, str] = {
    "db": "abm.installation.commands:db",
    "start": "abm.installation.commands:start",
    "stop": "abm.installation.commands:stop",
    "work": "abm.installation.commands:work",
    "schedule": "abm.installation.commands:schedule",
    "doctor": "abm.installation.commands:doctor",
    "sample": "abm.installation.commands:sample",
    "accounts": "abm.identity.commands:accounts",
    "users": "abm.users.commands:users",
    "tokens": "abm.api.commands:tokens",
    "import": "abm.imports.commands:import_",
    "sources": "abm.integrations.commands:sources",
    "imports": "abm.imports.commands:imports",
    "analyse": "abm.analysis.commands:analyse",
    "scorecards": "abm.scorecards.commands:scorecards",
    "lists": "abm.targets.commands:lists",
    "calls": "abm.work.commands:calls",
    "audit": "abm.audit.commands:audit",
    "campaigns": "abm.outreach.commands:campaigns",
    "leads": "abm.outreach.lead_commands:leads",
    "letters": "abm.outreach.letter_commands:letters",
    "receive": "abm.outreach.mail_commands:receive",
    "suppress": "abm.outreach.consent_commands:suppress",
    "unsuppress": "abm.outreach.consent_commands:unsuppress",
    "account": "abm.dossier.commands:account",
    "contact": "abm.outreach.consent_commands:contact",
    "countries": "abm.outreach.country_commands:countries",
    "offers": "abm.offers.commands:offers",
    "materials": "abm.materials.commands:materials",
    "partners": "abm.partners.commands:partners",
    "backup": "abm.installation.backup_commands:backup",
    "restore": "abm.installation.backup_commands:restore",
    "mailboxes": "abm.sending.receiving_commands:mailboxes",
    "hooks": "abm.sending.receiving_commands:hooks",
    "senders": "abm.sending.commands:senders",
    "secrets": "abm.sending.commands:secrets",
    "qualification": "abm.plans.commands:qualification",
    "reviews": "abm.plans.commands:reviews",
    "engagement": "abm.engagement.commands:engagement",
    "winback": "abm.winback.commands:winback",
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        return cast(click.Command, getattr(importlib.import_module(module), attribute))


@click.group(cls=LazyGroup)
def cli() -> None:
    """Account-based marketing: accounts, lists, campaigns, win-back."""


def main(arguments: Sequence[str] | None = None, *, before: Callable[[str], None] = lambda _command: None) -> int:
    """Run a command; errors become one sentence on standard error and the contract's exit code.

    `before` is called with the command's name once it is known to be wanted (it brings the database up to date).
    """
    from abm.wiring import connect_engine

    given = list(arguments) if arguments is not None else sys.argv[1:]
    set_up_logs(logging.WARNING)
    try:
        if given and given[0] in COMMANDS and not {"--help", "-h"} & set(given):
            before(given[0])
        connect_engine()
        result = cli.main(args=given, prog_name="abm", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return REFUSED
    except (click.Abort, AbmError, SQLAlchemyError, RedisError) as error:
        sentence, code = _explain(error)
        print(sentence, file=sys.stderr)
        return code


def _explain(error: Exception) -> tuple[str, int]:
    """One sentence about an error, and the exit code that the contract gives it."""
    if isinstance(error, click.Abort):
        return "Stopped before it was done; nothing half-done was kept", COULD_NOT_RUN
    if isinstance(error, SQLAlchemyError):
        cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return f"The database refused, check ABM_DATABASE_URL: {cause}", COULD_NOT_RUN
    if isinstance(error, RedisError):
        return f"The queue server does not answer, check ABM_REDIS_URL: {error}", COULD_NOT_RUN
    return str(error), COULD_NOT_RUN if isinstance(error, CannotRun) else REFUSED
