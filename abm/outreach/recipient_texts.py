"""What recipients read on our pages and in our own messages, in their language.

The English sentence is the key. To add a language give it a mapping of every sentence; a test compares them with what
templates and messages say. A recipient's own language goes before that of the message, and that before what the
browser asks for; English is what is left.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

ENGLISH = "en"
TEXTS: Mapping[str, Mapping[str, str]] = {
    "de": {
        # the page of a link to unsubscribe
        "Stop these messages?": "Diese Nachrichten beenden?",
        "{company} writes to {address} about {purpose}. Nothing has changed yet.":
            "{company} schreibt an {address} zum Thema {purpose}. Bisher wurde nichts geändert.",
        "Stop messages about {purpose}": "Keine Nachrichten mehr zu {purpose}",
        "Stop all messages from {company}": "Keine Nachrichten von {company} mehr",
        "It takes effect at once. If you keep this page closed, everything stays as it is.":
            "Das gilt sofort. Wenn Sie diese Seite nur schließen, bleibt alles, wie es ist.",
        "Choose what {company} writes about": "Auswählen, worüber {company} schreibt",
        "You will get no more of these messages": "Sie bekommen diese Nachrichten nicht mehr",
        "{company} writes to {address} no more, about anything.":
            "{company} schreibt {address} nicht mehr, zu keinem Thema.",
        "{company} writes to {address} no more about {purpose}.":
            "{company} schreibt {address} nicht mehr zum Thema {purpose}.",
        "your address": "Ihre Adresse",
        # the preference page
        "What may we write about?": "Worüber dürfen wir schreiben?",
        "{company} writes no more about {purposes}.": "{company} schreibt nicht mehr zu: {purposes}.",
        "We have sent a message to {address}. It begins again about {purposes} once the link in it is confirmed.":
            "Wir haben eine Nachricht an {address} geschickt. Sobald der Link darin bestätigt ist, schreiben wir "
            "wieder zu: {purposes}.",
        "{company} writes to {address} about what is switched on. Nothing changes until you save.":
            "{company} schreibt an {address} zu allem, was eingeschaltet ist. Bis Sie speichern, ändert sich nichts.",
        "Waits for the link in our message to be confirmed": "Wartet, bis der Link in unserer Nachricht bestätigt ist",
        "Off; please write to us to change this": "Aus; bitte schreiben Sie uns, um das zu ändern",
        "Save my choice": "Auswahl speichern",
        "Off takes effect at once. To switch something on again, we send a message to {address} and ask there.":
            "Ausschalten gilt sofort. Um etwas wieder einzuschalten, schicken wir eine Nachricht an {address} und "
            "fragen dort nach.",
        "everything": "alle Themen",
        # double opt-in
        "Thank you, it is confirmed": "Danke, das ist bestätigt",
        "May we write to you again?": "Dürfen wir Ihnen wieder schreiben?",
        "{company} may write to {address} about {purpose} again. Every message holds a link that stops them.":
            "{company} darf {address} wieder zum Thema {purpose} schreiben. Jede Nachricht enthält einen Link zum "
            "Abbestellen.",
        "For {address}: “{wording}”": "Für {address}: „{wording}“",
        "Yes, I agree": "Ja, ich stimme zu",
        "If you did not ask for this, close the page: nothing changes.":
            "Wenn das nicht von Ihnen kommt, schließen Sie die Seite: Es ändert sich nichts.",
        "Nothing was changed": "Es wurde nichts geändert",
        "This link belongs to a request that is no longer on file":
            "Dieser Link gehört zu einer Anfrage, die nicht mehr vorliegt",
        "You have stopped these messages since; ask again on the preference page":
            "Sie haben diese Nachrichten inzwischen abbestellt; fragen Sie auf der Seite mit Ihrer Auswahl erneut an",
        "This link is older than 30 days; ask again on the preference page":
            "Dieser Link ist älter als 30 Tage; fragen Sie auf der Seite mit Ihrer Auswahl erneut an",
        "These messages cannot be turned on here; please write to us":
            "Diese Nachrichten lassen sich hier nicht einschalten; bitte schreiben Sie uns",
        # the message that asks to confirm, and what is agreed to
        "{company} may write to me by e-mail about {purpose}. I can stop these messages at any time.":
            "{company} darf mir per E-Mail zum Thema {purpose} schreiben. Ich kann diese Nachrichten jederzeit "
            "abbestellen.",
        "Please confirm: may we write to you again?": "Bitte bestätigen: Dürfen wir Ihnen wieder schreiben?",
        "Somebody, most likely you, asked {company} to write to this address again.":
            "Jemand, vermutlich Sie selbst, hat {company} gebeten, dieser Adresse wieder zu schreiben.",
        "If that is what you want, open this page and confirm it:":
            "Wenn Sie das möchten, öffnen Sie diese Seite und bestätigen Sie es:",
        "If not, do nothing: without your confirmation nothing changes.":
            "Wenn nicht, tun Sie nichts: Ohne Ihre Bestätigung ändert sich nichts.",
    },
}
LANGUAGES = (ENGLISH, *TEXTS)


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences in one language; called with the English one and what it is filled with."""

    language: str = ENGLISH

    def __call__(self, english: str, **values: object) -> Markup:
        """For a page: values are escaped unless they are markup."""
        said = self._said(english)  # a constant of this module, or the key itself
        return Markup(said).format(**values) if values else Markup.escape(said)  # noqa: S704

    def plain(self, english: str, **values: object) -> str:
        """For a message without markup."""
        return self._said(english).format(**values)

    def _said(self, english: str) -> str:
        return TEXTS.get(self.language, {}).get(english, english)


def texts_for(languages: Iterable[str | None]) -> Texts:
    """In the first of these languages that we have (`de-AT` is `de`), else in English."""
    for language in languages:
        base = (language or "").strip().lower().replace("_", "-").partition("-")[0]
        if base in LANGUAGES:
            return Texts(base)
    return Texts()
