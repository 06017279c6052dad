"""What the application finds wrong in a campaign: names of lists, offers and users, and the content's own rules."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.offers.models import Offer
from abm.outreach.branch_rules import find_rule_complaints
from abm.targets.models import TargetList
from abm.users.models import User
from campaigns.definition import (
    ACCOUNT_OWNER,
    ACCOUNT_PARTNER,
    BranchStep,
    CallStep,
    Content,
    Definition,
    EmailStep,
    Step,
    VisitStep,
)
from campaigns.definition_contents import is_mjml
from campaigns.mjml_parts import html_of
from campaigns.sandbox import compile_template
from campaigns.sandbox_rules import ContentRefused
from campaigns.snippets import put_in
from campaigns.step_texts import texts_of


def find_complaints(session: Session, definition: Definition) -> dict[str, str]:
    """A sentence per wrong place (`steps[0].html`), in the words of the campaign file; empty when all is well."""
    complaints = _unknown_list(session, definition)
    for index, step in enumerate(definition.steps):
        complaints |= _unknown_names(session, step, f"steps[{index}]")
        if isinstance(step, BranchStep) and step.test.rule:
            complaints |= find_rule_complaints(session, step.test.rule, f"steps[{index}].branch.if")
        snippets = definition.snippets if isinstance(step, EmailStep) else {}
        for place, source, language, is_html in _sources(step, f"steps[{index}]"):
            try:
                whole = put_in(source, snippets, language=language, is_html=is_html) or ""
                compile_template(whole, is_html=is_html)
                html_of(whole)
            except ContentRefused as error:
                complaints[place] = str(error)
    return complaints


def _unknown_list(session: Session, definition: Definition) -> dict[str, str]:
    names = list(session.scalars(select(TargetList.name)))
    if definition.list_name in names:
        return {}
    hint = _nearest(definition.list_name, names) or "; make the list first"
    return {"list": f'there is no list "{definition.list_name}"{hint}'}


def _unknown_names(session: Session, step: Step, place: str) -> dict[str, str]:
    """Names that look like slips. An offer or a user who does not exist yet is left to the launch check."""
    complaints: dict[str, str] = {}
    offers = set(session.scalars(select(Offer.name))) if step.offer else set()
    if step.offer and step.offer not in offers and (hint := _nearest(step.offer, offers)):
        complaints[f"{place}.offer"] = f'there is no offer "{step.offer}"{hint}'
    roles = (ACCOUNT_OWNER, ACCOUNT_PARTNER)
    if isinstance(step, CallStep | VisitStep) and step.assign_to not in roles and "@" not in step.assign_to:
        known = [*roles, *session.scalars(select(User.email).where(User.is_active))]
        hint = _nearest(step.assign_to, known) or f"; write {' or '.join(roles)} or the address of a user"
        complaints[f"{place}.assign_to"] = f'"{step.assign_to}" is nobody here{hint}'
    return complaints


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f', did you mean "{near[0]}"?' if near else ""


def _sources(step: Step, place: str) -> Iterator[tuple[str, str, str, bool]]:
    """Every piece of content with its place: (place, source, language, is it HTML)."""
    if not isinstance(step, EmailStep):
        yield from ((f"{place}.{part}", source, "", False) for part, source in texts_of(step) if source)
        return
    yield from _words(Content(step.subject, step.html, step.text), place)
    for name, content in step.languages.items():
        yield from _words(content, f"{place}.languages.{name}", name)
    for name, variant in step.variants.items():
        yield from _words(variant.content, f"{place}.variants.{name}")


def _words(content: Content, place: str, language: str = "") -> Iterator[tuple[str, str, str, bool]]:
    html = "mjml" if is_mjml(content.html) else "html"
    for name, source in (("subject", content.subject), (html, content.html), ("text", content.text)):
        if source:
            yield f"{place}.{name}", source, language, name == html
