"""What comes back in the forms of many mailers and languages, and in forms that no mailer should send."""

import base64
import email
from email.header import Header

import pytest

from campaigns.auto_subjects import is_automatic
from campaigns.bounce_reading import read_report
from campaigns.replies import is_auto_reply

OURS = "<1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com>"
ORIGINAL = (f"Message-ID: {OURS}\r\nFrom: s@example.com\r\nTo: jane@dest.example\r\nSubject: Hi\r\n\r\nHello\r\n")
STATUS = ("Reporting-MTA: dns; mx.dest.example\r\n\r\nFinal-Recipient: rfc822; jane@dest.example\r\nAction: failed\r\n"
          "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <jane@dest.example>: Recipient address rejected: "
          "User unknown\r\n")

OF_PROGRAMS = """
Automatic reply: Hello | Out of Office: Re: x | I am out of the office until Monday | [Auto-Reply] Hello | Auto: Hello
Automatische Antwort: Hallo | Abwesenheitsnotiz: Hallo | AW: Abwesenheit | Ich bin nicht im Büro | Abwesend: bis Montag
Réponse automatique : Bonjour | Absence du bureau | Message d'absence | Absente du bureau
Respuesta automática: Hola | Fuera de la oficina | Risposta automatica: Ciao | Fuori ufficio | Assente
Resposta automática: Olá | Ausência temporária | Fora do escritório | Automatisch antwoord: Hallo | Niet aanwezig
Autosvar: Hej | Automatiskt svar: Hej | Frånvarande | Automatisk svar: Hej | Ikke på kontoret | Fraværsmelding
Automaattinen vastaus: Hei | Poissa toimistolta | Odpowiedź automatyczna: x | Autoodpowiedź: x | Nieobecność
Automatická odpověď: x | Automatická odpoveď: x | Mimo kancelář | Automatikus válasz: x | Házon kívül
Răspuns automat: x | Otomatik yanıt: x | Ofis dışında | Автоматический ответ: x | Вне офиса | Автоматична відповідь: x
Αυτόματη απάντηση: x | תשובה אוטומטית: x | رد تلقائي: x | 自動応答: x | 自动答复: x | 自動回覆: x | 자동 회신: x
Automatski odgovor: x | Samodejni odgovor: x | Automaatvastus: x | Automātiska atbilde: x | Tự động trả lời: x
"""
OF_PEOPLE = """
Re: Thank you for your last order | Re: Automatic doors for your warehouse | AW: Automatische Türen | Autos für Sie
Re: Vacation homes: your offer | Re: Absent-minded? | Re: Maternity leave cover for your team | Automotive parts
Re: Annual leave planning software | Thank you for your offer | Vacation pay question | Automation for you
Re: OOO what a year | Ausente de stock | Re: autumn offer | Re: Out of stock | Re: Office chairs
"""


def subjects(text):
    return [part.strip() for line in text.strip().splitlines() for part in line.split("|")]


@pytest.mark.parametrize("subject", subjects(OF_PROGRAMS))
def test_an_automatic_answer_is_known_by_its_subject_in_every_language(subject):
    assert is_automatic(subject)


@pytest.mark.parametrize("subject", subjects(OF_PEOPLE))
def test_an_answer_of_a_person_to_a_subject_with_such_words_is_theirs(subject):
    assert not is_automatic(subject)


@pytest.mark.parametrize(("subject", "charset"), [
    ("自动答复: x", "gb2312"), ("Réponse automatique : x", "iso-8859-1"), ("Автоматический ответ: x", "koi8-r"),
    ("自動応答: x", "iso-2022-jp"), ("Odpowiedź automatyczna: x", "iso-8859-2")])
def test_its_charset_does_not_hide_it(subject, charset):
    raw = f"From: j@example.com\r\nSubject: {Header(subject, charset).encode()}\r\n\r\nx\r\n"
    assert is_auto_reply(email.message_from_string(raw))


def report(status=STATUS, *, kind="message/delivery-status", encoding="", original="message/rfc822",
           report_type="delivery-status"):
    transfer = f"\r\nContent-Transfer-Encoding: {encoding}" if encoding else ""
    return (f"From: MAILER-DAEMON@mx.dest.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: "
            f"multipart/report; report-type={report_type}; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\n"
            f"Sorry\r\n--B\r\nContent-Type: {kind}{transfer}\r\n\r\n{status}\r\n--B\r\nContent-Type: {original}\r\n\r\n"
            f"{ORIGINAL}\r\n--B--\r\n").encode()


GATEWAY = (b"From: gateway@corp.example\r\nSubject: Fw\r\nContent-Type: multipart/mixed; boundary=Z\r\n\r\n--Z\r\n"
           b"Content-Type: text/plain\r\n\r\nDisclaimer\r\n--Z\r\n" + report().split(b"MIME-Version: 1.0\r\n")[1]
           + b"\r\n--Z--\r\n")


@pytest.mark.parametrize("raw", [
    report(), report(original="text/rfc822-headers"), report(base64.encodebytes(STATUS.encode()).decode(),
                                                             encoding="base64"),
    report(STATUS.replace("=", "=3D"), encoding="quoted-printable"), report(STATUS.replace("Action: failed\r\n", "")),
    report(STATUS.replace("Action: failed", "ACTION: Failed (permanently)")), GATEWAY,
    report(STATUS.replace("rfc822; jane@dest.example", "utf-8; jane@dest.example"),
           kind="message/global-delivery-status", original="message/global"),
], ids=["postfix", "headers", "base64", "quoted-printable", "no action", "capitals", "gateway", "smtputf8"])
def test_a_dead_mailbox_is_known_whatever_its_report_looks_like(raw):
    found = read_report(raw)
    (outcome,) = found.outcomes
    assert (found.kind, found.message_ids) == ("bounce", [OURS])
    assert (outcome.action, outcome.refusal.is_hard, outcome.address) == ("failed", True, "jane@dest.example")


def answered(text, code):
    fields = STATUS.replace("Status: 5.1.1", f"Status: {code}").split("Diagnostic-Code")[0]
    return f"{fields}Diagnostic-Code: smtp; {text}\r\n"


@pytest.mark.parametrize(("text", "code"), [
    ("550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", "5.7.1"),
    ("550 5.7.515 Access denied, sending domain does not meet the required level. user unknown", "5.7.515"),
    ("550-5.7.26 Your email has been blocked because the sender is unauthenticated", "5.7.26"),
    ("554 5.7.1 Service unavailable; Client host blocked using zen; no such user here", "5.7.1"),
])
def test_what_is_about_us_never_falls_on_the_person(text, code):
    (outcome,) = read_report(report(answered(text, code))).outcomes
    assert (outcome.refusal.is_hard, str(outcome.refusal.blame)) == (False, "sender")


def test_a_full_mailbox_is_full_in_the_words_of_today():
    text = "452-4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to free up some"
    (outcome,) = read_report(report(answered(text, "4.2.2"))).outcomes
    assert (outcome.refusal.reason, outcome.refusal.is_hard) == ("mailboxfull", False)


EXIM = """From: Mail Delivery System <Mailer-Daemon@h.example>
Subject: Warning: message 1abcDE-0001 delayed 24 hours
Auto-Submitted: auto-replied

A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on h.example.

  jane@dest.example
    Delay reason: Connection timed out

No action is required on your part. Delivery attempts will continue for some time.
"""
SENDMAIL = """From: Mail Delivery Subsystem <MAILER-DAEMON@h.example>
Subject: Warning: could not send message for past 4 hours

    **      THIS IS A WARNING MESSAGE ONLY      **
    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **

<jane@dest.example>... Deferred: 451 4.7.1 Greylisting in action, please come back later
"""


@pytest.mark.parametrize("raw", [EXIM.encode(), SENDMAIL.encode(), report(STATUS.replace("failed", "delayed"))])
def test_a_warning_that_it_takes_longer_is_no_bounce(raw):
    assert read_report(raw).kind == "delayed"


@pytest.mark.parametrize("text", [
    "Funny, a mail bounced here:\r\n550 5.1.1 user unknown\r\nAction: failed, it said.",
    "I got this:\r\nFinal-Recipient: rfc822; bob@other.example\r\nAction: failed\r\nStatus: 5.1.1\r\nWhat is it?"])
def test_a_person_who_quotes_a_report_answers(text):
    raw = f"From: Jane <jane@dest.example>\r\nIn-Reply-To: {OURS}\r\nSubject: Re: Hi\r\n\r\n{text}\r\n"
    assert read_report(raw.encode()).kind == "reply"


def feedback(kind, original="message/rfc822", encoding=""):
    words = ORIGINAL.replace("jane@dest.example", "[redacted]")
    transfer = f"\r\nContent-Transfer-Encoding: {encoding}" if encoding else ""
    body = base64.encodebytes(words.encode()).decode() if encoding else words
    return (f"From: fbl@isp.example\r\nSubject: FW: Hi\r\nContent-Type: multipart/report; report-type=feedback-report; "
            f"boundary=A\r\n\r\n--A\r\nContent-Type: text/plain\r\n\r\nAn abuse report\r\n--A\r\n"
            f"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nVersion: 1\r\n"
            f"Original-Rcpt-To: redacted@isp.example\r\n\r\n--A\r\nContent-Type: {original}{transfer}\r\n\r\n{body}"
            "\r\n--A--\r\n").encode()


@pytest.mark.parametrize("raw", [feedback("abuse"), feedback("Abuse"), feedback("opt-out"), feedback("fraud"),
                                 feedback("abuse", "text/rfc822-headers", "base64")])
def test_a_complaint_without_any_address_is_found_by_our_id(raw):
    found = read_report(raw)
    assert (found.kind, found.message_ids, found.addresses) == ("complaint", [OURS], [])


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_a_report_that_is_no_complaint_is_not_taken_for_one(kind):
    assert read_report(feedback(kind)).kind == "auto_reply"


@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode", "utf-7", "hex", "x\x00y", "unicode_escape",
                                     "utf-32", "x-unknown", "mbcs"])
def test_no_charset_stops_the_reading(charset):
    raw = f'From: j@x.example\r\nContent-Type: text/plain; charset="{charset}"\r\n\r\nH\xe4llo \\u12\r\n'
    assert read_report(raw.encode("latin-1")).kind == "reply"


@pytest.mark.parametrize("raw", [
    b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000)),
    b"From: a@b.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 3_000 + b"x"])
def test_parts_within_parts_without_end_change_nothing(raw):
    found = read_report(raw)
    assert (found.outcomes, found.message_ids) == ([], [])
