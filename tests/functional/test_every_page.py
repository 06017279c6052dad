"""Every page of the sample company that links lead to opens."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from abm.installation.sample import load_sample_company
from abm.web.permissions import Role

_LINK = re.compile(r'(?:href|hx-get)="(/[^"#]*|\?[^"#]*)')
_FILES = re.compile(r"^/(static/|sign-out)|\.(csv|xlsx|ics|pdf|eml|yaml|gif|png)\b")
_OF_A_SHAPE = 1
_WANTS_A_FORM = 422  # a button that sends the fields around it along


def _shape(address: str) -> str:
    parts = urlsplit(address)
    return re.sub(r"/\d+", "/N", parts.path) + re.sub(r"=[^&]*", "", parts.query)


def test_every_link_leads_to_a_page(database: Path, client_as) -> None:
    load_sample_company()
    client = client_as(Role.ADMIN)
    waiting, known, shapes, wrong = ["/"], {"/"}, Counter(), {}
    while waiting:
        address = waiting.pop()
        shapes[_shape(address)] += 1
        if shapes[_shape(address)] > _OF_A_SHAPE or _FILES.search(address):
            continue
        answer = client.get(address, follow_redirects=True)
        if answer.status_code >= 400 and answer.status_code != _WANTS_A_FORM:
            wrong[address] = answer.status_code
        if not (answer.content_type or "").startswith("text/html"):
            continue
        for link in _LINK.findall(answer.text):
            following = urljoin(address, link.replace("&amp;", "&"))
            if following not in known:
                known.add(following)
                waiting.append(following)
    assert wrong == {}
    assert len(shapes) > 150
