"""`abm users …`"""

import sys

import click

from abm.users import actions
from abm.users.models import User
from abm.users.queries import find_user_by_email
from abm.users.second_factor import reset_second_factor
from abm.web.permissions import Role
from core import db
from core.errors import InvalidInput, NotFound, Refused
from core.settings import settings


@click.group()
def users() -> None:
    """People who sign in."""


@users.command()
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role if role != Role.PARTNER]))
@click.option("--name", default="", help="As colleagues know it; the part before the @ when left out.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, role: str, name: str, password_stdin: bool) -> None:
    """Create a user; the password is asked for."""
    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    )
    try:
        with db.transaction() as session:
            actions.create_user(session, email=email, name=name or email.split("@")[0], role=role, password=password)
    except InvalidInput as error:
        raise Refused(f"{error}: {'; '.join(error.fields.values())}") from error
    click.echo(f"Created {email} as {role}")


@users.command()
@click.argument("email")
def reset(email: str) -> None:
    """Print a link with which the user sets a new password."""
    with db.transaction() as session:
        token = actions.issue_link_token(session, user=_get(session, email))
    click.echo(f"{settings().base_url}/set-password/{token} (valid {actions.RESET_MINUTES} minutes, once)")


@users.command()
@click.argument("email")
def disable(email: str) -> None:
    """End all sessions of a user and let them sign in no more."""
    with db.transaction() as session:
        actions.disable_user(session, user=_get(session, email))
    click.echo(f"{email} can no longer sign in")


@users.command(name="reset-second-factor")
@click.argument("email")
def reset_factor(email: str) -> None:
    """For a user who lost device and recovery codes: the password alone is enough until a new one is set up."""
    with db.transaction() as session:
        reset_second_factor(session, user=_get(session, email))
    click.echo(f"{email} signs in with the password alone; the user is told by e-mail")


@users.command(name="list")
def list_() -> None:
    """Who can sign in."""
    from abm.users.queries import list_users

    with db.reading() as session:
        for user in list_users(session):
            click.echo(f"{user.email}\t{user.role}\t{'active' if user.is_active else 'disabled'}\t{user.name}")


def _get(session: db.Session, email: str) -> User:
    user = find_user_by_email(session, email)
    if user is None:
        raise NotFound(f"There is no user with the address {email}; see `abm users list`")
    return user
