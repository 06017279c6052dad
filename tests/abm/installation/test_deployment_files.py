"""The files an administrator copies: valid by their own formats, and naming commands that exist."""

import json
from configparser import RawConfigParser
from pathlib import Path

import jsonschema
import pytest
import yaml

from abm.cli import COMMANDS
from core.jobs import JobQueue
from core.settings import ROOT, Settings

DEPLOY = ROOT / "docs" / "deploy"
SCHEMA = Path(__file__).resolve().parents[2] / "data" / "compose-spec.json"
UNITS = sorted(DEPLOY.glob("*.service"))


def test_the_compose_file_is_valid_by_the_compose_specification():
    """The specification's schema (Apache-2.0, compose-spec project) is kept beside the tests."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator(schema).validate(compose)
    assert set(compose["services"]) == {"database", "queue", "web", "worker", "sweeps", "general", "scheduler"}
    commands = [" ".join(service.get("command", [])) for service in compose["services"].values()]
    assert all(f"python worker.py {queue}" in commands for queue in JobQueue)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_command_that_exists_and_restarts_it(path):
    unit = RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(path.read_text())
    program, *arguments = unit["Service"]["ExecStart"].split()
    relative = program.removeprefix("/opt/abm/")
    assert unit["Service"]["Restart"] == "always"
    assert relative.startswith(".venv/bin/") or (ROOT / relative).exists()
    assert relative != "bin/abm" or arguments[0] in COMMANDS


def test_every_setting_is_in_the_example_file():
    text = (ROOT / ".env.example").read_text()
    assert [name for name in Settings.model_fields if f"ABM_{name.upper()}=" not in text] == []
