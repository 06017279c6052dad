"""`abm campaigns snippets | snippet`: pieces of content that campaigns share."""

from typing import TextIO

import click

from abm.web.terminal import answer
from core import db

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.command()
@JSON
def snippets(as_json: bool) -> None:
    """List the snippets."""
    from abm.outreach.snippets import list_snippets

    with db.reading() as session:
        rows = [{"name": one.name, "language": one.language, "content": one.content} for one in list_snippets(session)]
    lines = [f"{row['name']:24} {row['language'] or 'everybody':10} {row['content'][:60]!r}" for row in rows]
    answer({"snippets": rows}, as_json=as_json, text="\n".join(lines) or "No snippets yet")


@click.command()
@click.argument("name")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--language", default="", help="Left out: for everybody who has none of their own.")
@JSON
def snippet(name: str, file: TextIO, language: str, as_json: bool) -> None:
    """Make or change the snippet NAME from FILE (- is standard input). Drafts follow, what is approved does not."""
    from abm.outreach.actions import change_snippet

    content = file.read()
    with db.transaction() as session:
        drafts = change_snippet(session, name=name, language=language, content=content)
    told = f"{name} saved" + (f"; {', '.join(drafts)} follow" if drafts else "")
    answer({"snippet": name, "language": language, "drafts": drafts}, as_json=as_json, text=told)
