"""`abm countries`: which lawful bases are enough for an e-mail where, from the command line."""

import click

from abm.company.queries import get_company
from abm.outreach import countries as table
from abm.outreach.countries import CountryRow
from abm.web.terminal import answer
from core.db import reading, transaction

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.group("countries")
def countries() -> None:
    """The table of countries: which lawful bases are enough for an e-mail."""


@countries.command("list")
@JSON
def list_rows(as_json: bool) -> None:
    """Every row with its bases, defaults included."""
    with reading() as session:
        rows, company = table.list_country_rows(session), get_company(session)
    found = {"countries": [_said(row) for row in rows], "reaches_free_mail": company.reaches_free_mail}
    answer(found, as_json=as_json, text="\n".join(map(_line, rows)))


@countries.command("set")
@click.argument("country")
@click.argument("bases", nargs=-1)
@JSON
def set_row(country: str, bases: tuple[str, ...], as_json: bool) -> None:
    """In COUNTRY (code, name, elsewhere or unrecognised) these BASES are enough; without any nobody is written to."""
    with transaction() as session:
        row = table.set_country_bases(session, country=country, bases=bases)
    answer(_said(row), as_json=as_json, text=_line(row))


@countries.command("reset")
@click.argument("country")
@JSON
def reset_row(country: str, as_json: bool) -> None:
    """Take the own row of COUNTRY away, so that the default holds again."""
    with transaction() as session:
        name, changed = table.read_country(country), table.reset_country_bases(session, country=country)
    text = f"{name} follows the default again" if changed else f"{name} had no row of its own"
    answer({"country": name, "changed": changed}, as_json=as_json, text=text)


@countries.command("free-mail")
@click.argument("allowed", type=click.Choice(["yes", "no"]))
@JSON
def free_mail(allowed: str, as_json: bool) -> None:
    """Whether a legitimate interest is enough for addresses at free mail services too."""
    with transaction() as session:
        table.set_reaches_free_mail(session, allowed=allowed == "yes")
    answer({"reaches_free_mail": allowed == "yes"}, as_json=as_json,
           text=f"Free mail under legitimate interest: {allowed}")


def _said(row: CountryRow) -> dict[str, object]:
    return {"country": row.name, "bases": list(row.bases), "is_default": not row.is_own}


def _line(row: CountryRow) -> str:
    bases = ", ".join(base.replace("_", " ") for base in row.bases) or "nobody is written to"
    return f"{row.name:13}{row.title}: {bases}{'' if row.is_own else ' (default)'}"
