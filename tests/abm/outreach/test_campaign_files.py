"""Reading campaign files: content inlined from the file's own folder only, every mistake named with its place."""

import os
from pathlib import Path
from typing import Any

import pytest

from abm.outreach.campaign_files import read_campaign_file, read_campaign_text, write_campaign_text
from campaigns.definition import parse, to_raw
from core.errors import InvalidInput, Refused

HEAD = """
campaign: welcome-back
list: silent
sender: {name: Sales, email: sales@example.com, postal_address: "1 Example Street"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "hello.html").write_text("<p>Hello {{ contact.first_name }}</p>")
    (inside / "call.md").write_text("Ask for\nthe buyer")
    (tmp_path / "secret.html").write_text("<p>secret</p>")
    return inside


def written(folder: Path, steps: str, head: str = HEAD) -> Path:
    path = folder / "welcome.yaml"
    path.write_text(f"{head}steps:\n{steps}", encoding="utf-8")
    return path


def complaint(path: Path) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse(read_campaign_file(path))
    return caught.value.fields


def test_named_files_become_the_text_they_hold(folder: Path) -> None:
    path = written(folder, """
  - {id: a, channel: email, subject: S, html: hello.html, languages: {fr: {html: ./hello.html}},
     variants: {b: {share: 50%, html: hello.html}}}
  - {id: c, channel: call, script: call.md}
""")
    email, call = read_campaign_file(path)["steps"]
    texts = [email["html"], email["languages"]["fr"]["html"], email["variants"]["b"]["html"], call["script"]]
    assert texts == ["<p>Hello {{ contact.first_name }}</p>"] * 3 + ["Ask for\nthe buyer"]


def test_text_written_in_place_stays_as_it_is(folder: Path) -> None:
    path = written(folder, """
  - {id: a, subject: S, html: "<p>x</p>", text: "Read https://example.com/a.html"}
  - id: b
    subject: S
    text: |
      hello.html
""")
    first, second = read_campaign_file(path)["steps"]
    assert (first["html"], second["text"]) == ("<p>x</p>", "hello.html\n")
    assert first["text"] == "Read https://example.com/a.html"


@pytest.mark.parametrize("name", ["../secret.html", "/etc/passwd", "sub/../../secret.html", "../../../etc/hostname"])
def test_a_file_outside_the_folder_is_refused(folder: Path, name: str) -> None:
    fields = complaint(written(folder, f"  - {{id: a, subject: S, html: {name}}}"))
    assert "outside the folder" in fields["steps[0].html"]


def test_a_symbolic_link_that_leads_out_is_refused(folder: Path) -> None:
    os.symlink(folder.parent / "secret.html", folder / "link.html")
    fields = complaint(written(folder, "  - {id: a, subject: S, html: link.html}"))
    assert "outside the folder" in fields["steps[0].html"]


def test_a_symbolic_folder_that_leads_out_is_refused(folder: Path) -> None:
    os.symlink(folder.parent, folder / "up")
    place = "steps[0].languages.fr.html"
    fields = complaint(written(folder, "  - {id: a, subject: S, text: Hi, languages: {fr: {html: up/secret.html}}}"))
    assert "outside the folder" in fields[place]


def test_a_missing_file_is_named_with_the_nearest_one(folder: Path) -> None:
    fields = complaint(written(folder, "  - {id: a, subject: S, html: helo.html}"))
    assert fields["steps[0].html"] == 'there is no file "helo.html" beside welcome.yaml, did you mean "hello.html"?'


def test_missing_files_and_wrong_names_are_reported_at_once(folder: Path) -> None:
    fields = complaint(written(folder, "  - {id: a, subjekt: S, html: gone.html}", HEAD + "lits: x\n"))
    assert {"lits", "steps[0].subjekt", "steps[0].html"} <= set(fields)


@pytest.mark.parametrize(("steps", "place"), [
    ("  - {id: a, chanel: email, subject: S, html: hello.html}", "steps[0].chanel"),
    ("  - {id: a, channel: emial, subject: S, html: hello.html}", "steps[0].channel"),
    ("  - {id: a, subject: S, html: hello.html, after: 3 dayz}", "steps[0].after"),
    ("  - {id: a, subject: S, html: hello.html, unless: repliedd}", "steps[0].unless"),
    ("  - {id: a, subject: S, html: hello.html, languages: {fr: {sujet: S}}}", "steps[0].languages.fr.sujet"),
])
def test_every_wrong_name_comes_with_the_nearest_right_one(folder: Path, steps: str, place: str) -> None:
    assert "did you mean" in complaint(written(folder, steps))[place] or place.endswith("sujet")


@pytest.mark.parametrize(("content", "says"), [
    (b"campaign: [", "line 1"), (b"\xff\xfe\x00", "UTF-8"), (b"just words", "names and values"),
    (b"", "names and values"),
    (b"campaign: a\ncampaign: b\n", "twice"), (b"a\x00b: 1", "not a text file"), (b"a: &x [*x]", "welcome.yaml"),
    (b"!!python/object/apply:os.system [id]", "line 1"), (b"? [a, b]\n: 1", "line 1"),
])
def test_a_file_that_is_no_campaign_file_is_refused(folder: Path, content: bytes, says: str) -> None:
    path = folder / "welcome.yaml"
    path.write_bytes(content)
    with pytest.raises(Refused, match=says):
        read_campaign_file(path)


def test_aliases_that_unfold_without_end_are_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True))
    with pytest.raises(Refused, match="more than 20,000 values"):
        read_campaign_text(bomb)


def test_times_and_language_codes_stay_text() -> None:
    raw = read_campaign_text("window: {from: 9:00, to: 17:00}\nlanguages: {no: {subject: x}}\npriority: 3\nflag: true")
    assert raw == {"window": {"from": "9:00", "to": "17:00"}, "languages": {"no": {"subject": "x"}}, "priority": 3,
                   "flag": True}


def test_what_is_written_reads_back_the_same(folder: Path) -> None:
    path = written(folder, """
  - {id: a, subject: "{{ account.name }}: é", html: hello.html, after: 0 days, languages: {no: {subject: x}}}
  - {id: c, channel: call, script: call.md, after: 3 working days}
""")
    raw: dict[str, Any] = to_raw(parse(read_campaign_file(path)))
    assert parse(read_campaign_text(write_campaign_text(raw))) == parse(raw)
