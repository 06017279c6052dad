"""Subjects that programs give their automatic answers, by language. Pure.

*Sure* words say it whatever stands before them. *Likely* words open many subjects of people too ("Re: Thank you for
your last order"), so they count only where the subject is no answer to one.
"""

import re
import unicodedata

_ANSWER = r"(?:re|aw|sv|vs|r|rif|res|antw|odp|ynt|回复|答复)"
_SURE = (
    r"auto[- ]?(?:re(?:ply|sponse|sponder)|antwort|r[ée]ponse|svar|odpowied)", r"auto:",
    r"automat(?:ic|ed) (?:e-?mail )?(?:reply|response|answer|message|out|notification)",
    r"out[- ]of[- ](?:the[- ])?office",
    r"(?:i['’]?m|i am|we are)(?: currently)? (?:away|out of|out until|on (?:\w+ )?leave)",
    r"automatische (?:antwort|abwesenheit|rückmeldung)",
    r"abwesenheits?(?:notiz|meldung|benachrichtigung|assistent|agent)",
    r"abwesenheit\b",
    r"(?:ich bin )?(?:zurzeit |derzeit |zur zeit |aktuell )?nicht im (?:büro|buero|haus)",
    r"r[ée]ponse automatique", r"absente? du bureau", r"absence du bureau",
    r"(?:message|avis|notification) d['’]absence",
    r"respuesta autom", r"fuera de (?:la )?oficina", r"risposta automatica", r"fuori (?:sede|ufficio)",
    r"resposta autom", r"aus[êe]ncia tempor", r"fora do escrit",
    r"automatisch antwoord", r"afwezigheid", r"niet aanwezig",
    r"automatiskt? (?:svar|meddelande|besked)", r"frånvar(?:o|ande)", r"fravær", r"ikke (?:på kontoret|til ?stede)",
    r"automaattinen (?:vastaus|poissa)", r"poissa (?:toimistolta|työpaikalta)",
    r"odpowied[źz] automatyczna", r"automatyczna odpowied", r"autoodpowied", r"nieobecno",
    r"automatick[áa] odpove[ďd]", r"automatická odpověď", r"mimo kancel",
    r"automatikus válasz", r"házon kívül", r"r[ăa]spuns automat", r"absent de la birou",
    r"otomatik (?:yan[ıi]t|cevap)", r"ofis dışında",
    r"автоматическ\w+ ответ", r"автоответ", r"вне офиса", r"автоматична відповідь", r"автоматичен отговор",
    r"αυτόματη απάντηση", r"תשובה אוטומטית", r"מענה אוטומטי", r"رد تلقائي",
    r"自動(?:返信|応答|回覆|答覆)", r"自动(?:回复|答复)", r"不在通知", r"자동 ?(?:회신|응답)",
    r"automatski odgovor", r"samodejni odgovor", r"automaatvastus", r"automātisk[aā] atbilde",
    r"automatinis atsakymas",
    r"(?:tự động trả lời|trả lời tự động)", r"ตอบกลับอัตโนมัติ", r"balasan otomatis", r"jawapan automatik",
)
_ENDS = (r"\s*(?:$|[:,;(!.\[–—-]|message|notice|reply|response|auto|vom|bis|until|till|jusqu|hasta|fino|tot\b|t/m|from|"
         r"desde)")
_LIKELY = (
    rf"(?:vacation|holiday|absent|absence|ausente|ausencia|assente|abwesend|afwezig|absen[ct]e?){_ENDS}",
    r"ooo\b", r"away (?:from (?:the|my|our) (?:office|desk)|until)", r"on (?:vacation|leave|holiday)\b",
    rf"(?:annual|maternity|paternity|parental|sick) leave{_ENDS}", r"automatic\s*$",
    r"thank you for (?:your (?:e-?mail|message|inquiry|enquiry|request|interest|note)|contacting|writing|getting in)",
)
_OPENS = r"^[\s\[(*]*"
_SURE_SUBJECT = re.compile(rf"{_OPENS}(?:{_ANSWER}\s*:\s*)*[\s\[(*]*(?:{'|'.join(_SURE)})", re.IGNORECASE)
_LIKELY_SUBJECT = re.compile(rf"{_OPENS}(?:{'|'.join(_LIKELY)})", re.IGNORECASE)


def is_automatic(subject: str) -> bool:
    """Whether a subject is one that a program gives its answer."""
    plain = unicodedata.normalize("NFC", subject)
    return bool(_SURE_SUBJECT.search(plain) or _LIKELY_SUBJECT.search(plain))
