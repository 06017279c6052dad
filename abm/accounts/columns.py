"""The columns of the account list: its own, and those that higher areas contribute (classes, rhythm) with their join.

    contribute(Contribution(join=lambda query: query.outerjoin(...), columns=(ListColumn(...), ...)))

A contributed join must keep one row per account. The list sorts and filters by columns named here and nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import QueryableAttribute

from abm.accounts.models import Account
from abm.users.models import User

Join = Callable[[Select[*tuple[Any, ...]]], Select[*tuple[Any, ...]]]
Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ListColumn:
    """`kind` says how a value is shown: text, number, money, percent, day, state. `choices` makes a filter with these
    values; `is_filter` one with the values that occur, which `occurring` selects where they are not the account's own.
    `drawer` is an endpoint that explains an account's value. Where
    `is_usual` is false, a column is shown when it is chosen."""

    name: str
    label: str
    expression: ColumnElement[Any] | QueryableAttribute[Any]
    kind: str = "text"
    choices: Choices = ()
    is_filter: bool = False
    is_nullable: bool = True
    drawer: str = ""
    is_main: bool = False
    is_usual: bool = True
    occurring: Select[Any] | None = None

    @property
    def filters(self) -> bool:
        return bool(self.choices) or self.is_filter


@dataclass(frozen=True)
class Contribution:
    columns: tuple[ListColumn, ...]
    join: Join


OWN_COLUMNS = (
    ListColumn("name", "Name", Account.name_key, is_nullable=False),
    ListColumn("tier", "Tier", Account.tier, is_filter=True),
    ListColumn("country", "Country", Account.country, is_filter=True, is_main=True),
    ListColumn("industry", "Industry", Account.industry, is_filter=True),
    ListColumn("owner", "Owner", User.name, is_filter=True),
    ListColumn("city", "City", Account.city, is_usual=False),
    ListColumn("region", "Region", Account.region, is_usual=False),
    ListColumn("employees", "Employees", Account.employees, "number", is_usual=False),
    ListColumn("annual_revenue", "Annual revenue", Account.annual_revenue, "number", is_usual=False),
    ListColumn("domain", "Domain", Account.domain, is_usual=False),
    ListColumn("source", "Source", Account.source, is_filter=True, is_usual=False),
)
_CONTRIBUTED: list[Contribution] = []


def contribute(contribution: Contribution) -> None:
    """Add columns to the account list; a repeat replaces the columns of the same names."""
    names = {column.name for column in contribution.columns}
    _CONTRIBUTED[:] = [one for one in _CONTRIBUTED if names.isdisjoint(column.name for column in one.columns)]
    _CONTRIBUTED.append(contribution)


def list_columns() -> dict[str, ListColumn]:
    """Every column by its name, the list's own first."""
    contributed = [column for one in _CONTRIBUTED for column in one.columns]
    return {column.name: column for column in (*OWN_COLUMNS, *contributed)}


def shown_columns(chosen: Sequence[str]) -> dict[str, ListColumn]:
    """The columns to show: those chosen that exist, the usual ones where none is; the name always stands first."""
    known = list_columns()
    wanted = [name for name in chosen if name in known] or [name for name, one in known.items() if one.is_usual]
    return {name: known[name] for name in dict.fromkeys(["name", *wanted])}


def join_contributions(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    for one in _CONTRIBUTED:
        query = one.join(query)
    return query
