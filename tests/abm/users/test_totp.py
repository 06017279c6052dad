"""Codes as the RFCs define them."""

from xml.etree import ElementTree

import pytest

from abm.users.totp import enrolment_link, find_step, hotp, in_groups, new_secret, picture, step_at

# RFC 4226, appendix D.
COUNTED = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
# RFC 6238, appendix B: moment, algorithm, code. The keys are the digits repeated to the length of the digest.
TIMED = [
    (59, "sha1", "94287082"), (59, "sha256", "46119246"), (59, "sha512", "90693936"),
    (1111111109, "sha1", "07081804"), (1111111109, "sha256", "68084774"), (1111111109, "sha512", "25091201"),
    (1111111111, "sha1", "14050471"), (1111111111, "sha256", "67062674"), (1111111111, "sha512", "99943326"),
    (1234567890, "sha1", "89005924"), (1234567890, "sha256", "91819424"), (1234567890, "sha512", "93441116"),
    (2000000000, "sha1", "69279037"), (2000000000, "sha256", "90698825"), (2000000000, "sha512", "38618901"),
    (20000000000, "sha1", "65353130"), (20000000000, "sha256", "77737706"), (20000000000, "sha512", "47863826"),
]
KEYS = {"sha1": b"12345678901234567890", "sha256": b"12345678901234567890123456789012",
        "sha512": b"1234567890123456789012345678901234567890123456789012345678901234"}
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(("counter", "code"), list(enumerate(COUNTED)))
def test_codes_by_counter_are_those_of_rfc_4226(counter, code):
    assert hotp(KEYS["sha1"], counter) == code


@pytest.mark.parametrize(("moment", "digest", "code"), TIMED)
def test_codes_by_time_are_those_of_rfc_6238(moment, digest, code):
    assert hotp(KEYS[digest], step_at(moment), digits=8, digest=digest) == code


@pytest.mark.parametrize(("drift", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(drift, is_taken):
    code = hotp(KEYS["sha1"], 1000 + drift)
    assert (find_step(SECRET, code, timestamp=1000 * 30, after=0) is not None) == is_taken


def test_a_step_that_was_used_is_not_taken_again_nor_an_earlier_one():
    now = 1000 * 30
    assert find_step(SECRET, hotp(KEYS["sha1"], 1000), timestamp=now, after=1000) is None
    assert find_step(SECRET, hotp(KEYS["sha1"], 999), timestamp=now, after=1000) is None
    assert find_step(SECRET, hotp(KEYS["sha1"], 1001), timestamp=now, after=1000) == 1001


@pytest.mark.parametrize("typed", ["", "12345", "0000000", "ſſſſſſ", "١٢٣٤٥٦", "755224 "])
def test_what_is_no_code_is_not_taken(typed):
    assert find_step(SECRET, typed, timestamp=30_000, after=0) is None


def test_every_secret_is_of_160_bits_and_another_one():
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(secret) for secret in secrets} == {32}


def test_the_link_names_company_and_user_whatever_their_signs():
    link = enrolment_link("ABCD", issuer="Müller & Co: Ltd", account="jane+x@example.com")
    assert link.startswith("otpauth://totp/M%C3%BCller%20%26%20Co%3A%20Ltd:jane%2Bx%40example.com?secret=ABCD&issuer=M%C3%BC")
    assert in_groups("ABCDEFGHIJ") == "ABCD EFGH IJ"


def test_the_picture_is_the_link_as_a_qr_code_on_white_whatever_the_page_looks_like():
    link = enrolment_link("ABCDEFGH", issuer="Oak & Sons", account="ann@example.com")
    drawn = ElementTree.fromstring(picture(link))
    ground, modules = drawn.iter("path")
    assert (ground.get("fill"), modules.get("stroke")) == ("#fff", "#000")
    version = (int(drawn.get("width")) // 4 - 8 - 17) // 4  # modules without the margin of four: 17 + 4 x version
    assert (len(link), version) == (123, 8)  # 122 bytes fit version 7 at level M, 152 version 8 (ISO/IEC 18004)
    assert drawn.find(".//*[@style]") is None
