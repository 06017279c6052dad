"""What a campaign made in the browser begins with: one lawful e-mail to be rewritten."""

from typing import Any

STARTER_HTML = """\
<p>Hello {{ contact.first_name | default('there') }},</p>

<p>Write here what {{ account.name }} gains from reading on.</p>

<p>{{ owner.name | default(sender.name) }}</p>

<p><small>{{ sender.postal_address }} · <a href="{{ unsubscribe_url }}">Unsubscribe</a></small></p>
"""

STARTER_SCRIPT = """\
Hello {{ contact.first_name | default('there') }}, this is {{ owner.name | default('your contact') }}.
You ordered last on {{ last_order.on | default('no day we know of') }}: how did it go?
"""


STARTER_LETTER = """\
Dear {{ contact.first_name | default('Sir or Madam') }} {{ contact.last_name | default('') }},

write here what {{ account.name }} gains from reading on.

Yours sincerely

{{ owner.name | default(sender.name) }}
"""

STARTER_BRIEF = """\
Aim: say in one sentence what should be agreed when you leave.
{{ account.name }} ordered last on {{ last_order.on | default('no day we know of') }}.
"""

_STARTERS: dict[str, dict[str, Any]] = {
    "email": {"subject": "{{ account.name }}: a word from us", "html": STARTER_HTML},
    "call": {"script": STARTER_SCRIPT},
    "letter": {"subject": "A word from us", "body": STARTER_LETTER},
    "visit": {"brief": STARTER_BRIEF},
    "webhook": {"url": "https://example.com/hook"},
    "wait": {},
    "branch": {"branch": {"if": "clicked"}},
}


def starter_step(channel: str, step_id: str) -> dict[str, Any]:
    """A new step in the form of a campaign file; the first of a campaign goes out at once, others some days later."""
    after = "0 days" if step_id == "hello" or channel == "webhook" else "3 working days"
    return {"id": step_id, "channel": channel, "after": after, **_STARTERS[channel]}
