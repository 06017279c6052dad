"""Snippets as the company keeps them, and the copies that campaigns carry."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.outreach.models import Snippet
from campaigns.definition import parse, to_raw
from campaigns.definition_contents import SNIPPET_NAME
from campaigns.html_parts import prepare_html
from campaigns.models import Campaign
from campaigns.sandbox import compile_template
from campaigns.sandbox_rules import ContentRefused
from campaigns.snippets import names_in
from campaigns.states import CampaignState
from core import clock
from core.errors import InvalidInput

MAX_LENGTH = 20_000


def list_snippets(session: Session) -> Sequence[Snippet]:
    return session.scalars(select(Snippet).order_by(Snippet.name, Snippet.language)).all()


def get_snippets(session: Session, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """By name and language."""
    found: dict[str, dict[str, str]] = {}
    for one in session.scalars(select(Snippet).where(Snippet.name.in_(names)).order_by(Snippet.name, Snippet.language)):
        found.setdefault(one.name, {})[one.language] = one.content
    return found


def with_snippets(session: Session, raw: Mapping[str, Any], before: Campaign | None) -> dict[str, Any]:
    """The campaign with copies of the snippets it names: the company's own, else those that came with its file.

    A campaign that is not a draft and is saved without another change keeps the copies that were approved.
    """
    definition = parse(raw)
    names = names_in(definition)
    given = {name: dict(known) for name, known in definition.snippets.items() if name in names}
    snippets = {**given, **get_snippets(session, names)}
    bare = {name: value for name, value in to_raw(definition).items() if name != "snippets"}
    if before is not None and before.state != CampaignState.DRAFT:
        kept = before.definition.get("snippets", {})
        if bare == {name: value for name, value in before.definition.items() if name != "snippets"}:
            return {**bare, "snippets": kept} if kept else bare
    copies = {name: {language or "any": words for language, words in known.items()} for name, known in snippets.items()}
    return {**bare, "snippets": copies} if copies else bare


def save_snippet(session: Session, *, name: str, language: str, content: str) -> Snippet:
    """Make or change one; drafts that name it follow at once, what is approved keeps its words. Raises InvalidInput."""
    name, language = name.strip(), language.strip().casefold().replace("_", "-")
    content = content.replace("\r\n", "\n").strip()
    _check(name, language, content)
    snippet = session.scalar(select(Snippet).where(Snippet.name == name, Snippet.language == language))
    before = snippet.content if snippet else None
    if snippet is None:
        snippet = Snippet(name=name, language=language)
        session.add(snippet)
    snippet.content, snippet.updated_at, snippet.updated_by = content, clock.now(), actor().name
    session.flush()
    if before != content:
        record(session, action="snippet.change" if before else "snippet.create", subject="snippet",
               subject_id=snippet.id, before={"content": before} if before else None,
               after={"name": name, "language": language, "content": content})
    return snippet


def remove_snippet(session: Session, snippet: Snippet) -> None:
    """Campaigns that name it keep their copies."""
    record(session, action="snippet.remove", subject="snippet", subject_id=snippet.id,
           before={"name": snippet.name, "language": snippet.language, "content": snippet.content})
    session.delete(snippet)
    session.flush()


def _check(name: str, language: str, content: str) -> None:
    wrong = {}
    if not SNIPPET_NAME.fullmatch(name):
        wrong["name"] = "is made of small letters, digits and _, and begins with a letter, such as legal"
    if language and (not language.replace("-", "").isalnum() or not 2 <= len(language) <= 10):
        wrong["language"] = 'is no language code such as "fr"; leave it empty for everybody'
    if not content or len(content) > MAX_LENGTH:
        wrong["content"] = f"has to hold between 1 and {MAX_LENGTH:,} characters"
    else:
        try:
            compile_template(content, is_html=True)
            prepare_html(content)
        except ContentRefused as error:
            wrong["content"] = str(error)
    if wrong:
        raise InvalidInput("The snippet is not right", wrong)


def campaigns_with(session: Session, name: str) -> list[Campaign]:
    """The campaigns that carry a copy of a snippet."""
    found = session.scalars(select(Campaign).order_by(Campaign.name))
    return [campaign for campaign in found if name in campaign.definition.get("snippets", {})]
