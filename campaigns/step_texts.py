"""The templates of steps that are not e-mails, by their place in the step."""

from campaigns.definition_values import CallStep, LetterStep, Step, VisitStep, WebhookStep


def texts_of(step: Step) -> list[tuple[str, str]]:
    """(place in the step, source) of each template; none for e-mails, whose wordings are in `contents`."""
    match step:
        case CallStep():
            return [("script", step.script)]
        case VisitStep():
            return [("brief", step.brief)]
        case LetterStep():
            own = [("subject", step.subject), ("body", step.body)]
            return own + [(f"languages.{name}.{part}", source or "") for name, words in step.languages.items()
                          for part, source in (("subject", words.subject), ("body", words.text))]
        case WebhookStep():
            return [(f"payload.{name}", source) for name, source in step.payload.items()]
    return []
