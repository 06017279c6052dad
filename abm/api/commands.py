"""`abm tokens …`"""

import click

from abm.api.models import ApiToken
from abm.api.tokens import create_token, list_tokens, revoke_token, state_of
from abm.users.queries import find_user_by_email
from abm.web.api_access import Scope
from abm.web.terminal import answer
from core import db
from core.errors import InvalidInput, NotFound, Refused

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.group()
def tokens() -> None:
    """Tokens with which programs use the API (docs/api.md)."""


@tokens.command()
@click.argument("email")
@click.option("--name", required=True, help="The program that will use it.")
@click.option("--scope", "scopes", required=True, multiple=True, type=click.Choice([scope.value for scope in Scope]))
@click.option("--days", default=90, show_default=True, help="How long it is good for.")
@_JSON
def create(email: str, name: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a token of the user EMAIL; it is printed once and never again."""
    with db.transaction() as session:
        user = find_user_by_email(session, email)
        if user is None:
            raise NotFound(f"There is no user with the address {email}; see `abm users list`")
        try:
            token, plain = create_token(session, user=user, name=name, scopes=scopes, days=days)
        except InvalidInput as error:
            raise Refused(f"{error}: {'; '.join(error.fields.values())}") from error
        told = {"id": token.id, "token": plain, "scopes": token.scopes, "expires_at": token.expires_at}
    answer(told, as_json=as_json, text=plain)


@tokens.command(name="list")
@_JSON
def list_(as_json: bool) -> None:
    """Which tokens there are, and how each stands."""
    with db.reading() as session:
        told = [_told(token, user.email) for token, user in list_tokens(session)]
    text = "\n".join("\t".join(str(one[key]) for key in ("id", "prefix", "name", "user", "state")) for one in told)
    answer({"tokens": told}, as_json=as_json, text=text)


def _told(token: ApiToken, email: str) -> dict[str, object]:
    return {"id": token.id, "prefix": token.prefix, "name": token.name, "user": email, "scopes": token.scopes,
            "state": state_of(token), "expires_at": token.expires_at, "last_used_at": token.last_used_at}


@tokens.command()
@click.argument("token_id", type=int)
def revoke(token_id: int) -> None:
    """It opens nothing from this moment on."""
    with db.transaction() as session:
        name = revoke_token(session, token_id=token_id).name
    click.echo(f"{name} is revoked")
