"""What this product is made of, as CycloneDX 1.6 JSON: every locked package with its digests, and what is vendored.

    .venv/bin/python bin/sbom.py > sbom.cdx.json

Reads requirements.txt and static/vendor and asks no network, so that it says the same wherever it is made. Licences are
told for packages that are installed here.
"""

import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VENDORED = re.compile(r"^(.+?)-(\d+(?:\.\d+)+)\b")


def components() -> Iterator[dict[str, Any]]:
    """Each locked package, then each vendored file."""
    for block in re.split(r"\n(?=\S)", (ROOT / "requirements.txt").read_text("utf-8")):
        if pin := _PIN.match(block):
            yield _package(pin[1].lower(), pin[2], sorted(_DIGEST.findall(block)))
    for path in sorted((ROOT / "static" / "vendor").iterdir()):
        if path.is_file() and (named := _VENDORED.match(path.name)):
            yield {"type": "library", "bom-ref": f"vendor/{path.name}", "name": named[1], "version": named[2],
                   "purl": f"pkg:npm/{named[1]}@{named[2]}",
                   "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}]}


def _package(name: str, version: str, digests: list[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    found: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence := _licence(name):
        found["licenses"] = [{"license": {"name": licence}}]
    # One digest for each file that the lock allows: a wheel for each platform, and the source.
    found["externalReferences"] = [{"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/",
                                    "hashes": [{"alg": "SHA-256", "content": one}]} for one in digests]
    return found


def _licence(name: str) -> str:
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or [] if one.startswith("License ::")]
    own = str(told.get("License-Expression") or told.get("License") or "")
    return own if own and "\n" not in own and len(own) < 80 else ", ".join(classified)


def bill() -> dict[str, Any]:
    """The whole document; its serial number follows from what it says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = list(components())
    serial = uuid5(NAMESPACE_URL, json.dumps(listed, sort_keys=True))
    own = {"type": "application", "bom-ref": "abm", "name": project["name"], "version": project["version"],
           "licenses": [{"license": {"id": "MIT"}}]}
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1,
            "metadata": {"component": own}, "components": listed,
            "dependencies": [{"ref": "abm", "dependsOn": [one["bom-ref"] for one in listed]}]}


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
