"""The bill of materials names everything that is locked, with the digests of the lock."""

import json
import re
import subprocess
import sys

from core.settings import ROOT


def bill():
    told = subprocess.run([sys.executable, str(ROOT / "bin" / "sbom.py")], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)


def test_every_locked_package_stands_in_it_with_its_digests():
    lock = (ROOT / "requirements.txt").read_text()
    pinned = set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==(\S+)", lock, re.MULTILINE))
    found = {part["purl"]: part for part in bill()["components"]}
    assert {f"pkg:pypi/{name.lower()}@{version}" for name, version in pinned} <= set(found)
    digests = {entry["content"] for part in found.values() for place in part.get("externalReferences", ())
               for entry in place["hashes"]}
    assert set(re.findall(r"sha256:([0-9a-f]{64})", lock)) == digests


def test_what_is_vendored_stands_in_it_and_nothing_twice():
    parts = bill()["components"]
    assert {"htmx", "tabler", "icons"} <= {part["name"] for part in parts}
    assert len({part["bom-ref"] for part in parts}) == len(parts)


def test_every_package_of_the_lock_has_a_digest():
    """pip refuses a file without its digest; the lock must hold one for each package."""
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.txt").read_text())
    without = [block.split()[0] for block in blocks if "==" in block.split("\n")[0] and "--hash=sha256:" not in block]
    assert without == []
