"""The templates of steps that are not e-mails, by their place in the step."""

from collections.abc import Mapping

from campaigns.definition_values import CallStep, Content, LetterStep, Step, VisitStep, WebhookStep


def texts_of(step: Step) -> list[tuple[str, str]]:
    """(place in the step, source) of each template; none for e-mails, whose wordings are in `contents`."""
    match step:
        case CallStep():
            return _spoken("script", step.script, step.languages)
        case VisitStep():
            return _spoken("brief", step.brief, step.languages)
        case LetterStep():
            own = [("subject", step.subject), ("body", step.body)]
            return own + [(f"languages.{name}.{part}", source or "") for name, words in step.languages.items()
                          for part, source in (("subject", words.subject), ("body", words.text))]
        case WebhookStep():
            return [(f"payload.{name}", source) for name, source in step.payload.items()]
    return []


def _spoken(name: str, own: str, languages: Mapping[str, Content]) -> list[tuple[str, str]]:
    others = [(f"languages.{language}.{name}", words.text or "") for language, words in languages.items()]
    return [(name, own), *others]
