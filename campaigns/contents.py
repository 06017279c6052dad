"""Which words a person gets: the step's own, those of a variant, those of the person's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from campaigns.definition import CallStep, Content, EmailStep, LetterStep, VisitStep
from campaigns.mjml_parts import in_language
from campaigns.snippets import Snippets, put_in

NO_SNIPPETS: Mapping[str, Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Words:
    """The subject and the parts as the author wrote them. `text` None: made from the HTML."""

    subject: str
    html: str | None
    text: str | None


def words_of(
    step: EmailStep, *, language: str | None = None, variant: str | None = None, snippets: Snippets = NO_SNIPPETS
) -> Words:
    """The step's words, then the variant's, then the language's on top; new HTML never keeps the old text part.

    Snippets are put in last, in the person's language.
    """
    words = Words(step.subject, step.html, step.text)
    if variant and variant in step.variants:
        words = _over(words, step.variants[variant].content)
    if named := _named_language(step, language):
        name, content = named
        words = _over(words, content)
        if content.html is not None:
            words = Words(words.subject, in_language(content.html, name), words.text)
    html = put_in(words.html, snippets, language=language, is_html=True)
    subject, text = (put_in(part, snippets, language=language, is_html=False) for part in (words.subject, words.text))
    return Words(subject or "", html, text)


def letter_words(step: LetterStep, language: str | None) -> tuple[str, str]:
    """Subject and body in that language, else the step's own."""
    content = find_language(step, language) or Content(None, None, None)
    return content.subject or step.subject, content.text or step.body


def spoken_words(step: CallStep | VisitStep, language: str | None) -> str:
    """A call's script or a visit's brief in that language, else the step's own."""
    content = find_language(step, language)
    return (content.text if content else None) or (step.script if isinstance(step, CallStep) else step.brief)


def find_language(step: EmailStep | LetterStep | CallStep | VisitStep, language: str | None) -> Content | None:
    """The content for `fr-CA`: its own, else that of `fr`, else none."""
    found = _named_language(step, language)
    return found[1] if found else None


def language_of(step: EmailStep | LetterStep | CallStep | VisitStep, language: str | None) -> str:
    """The name of the language whose words `language` gets; empty for the step's own."""
    found = _named_language(step, language)
    return found[0] if found else ""


def _named_language(
    step: EmailStep | LetterStep | CallStep | VisitStep, language: str | None
) -> tuple[str, Content] | None:
    wanted = (language or "").replace("_", "-").lower()
    known = {name.replace("_", "-").lower(): (name.replace("_", "-"), content)
             for name, content in step.languages.items()}
    return known.get(wanted) or known.get(wanted.split("-")[0])


def every_wording(step: EmailStep, snippets: Snippets = NO_SNIPPETS) -> list[tuple[str, Words]]:
    """Each wording with a name for people: the step's own, each variant, each language."""
    own = [("", words_of(step, snippets=snippets))]
    variants = [(f"variant {name}", words_of(step, variant=name, snippets=snippets)) for name in step.variants]
    languages = [(f"language {name}", words_of(step, language=name, snippets=snippets)) for name in step.languages]
    return own + variants + languages


def _over(words: Words, content: Content) -> Words:
    html = content.html if content.html is not None else words.html
    inherited = None if content.html is not None else words.text
    text = content.text if content.text is not None else inherited
    return Words(content.subject if content.subject is not None else words.subject, html, text)
