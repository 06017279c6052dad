"""Every patch of `bin/mutants` still finds its text, and every test that it counts on is still there."""

import re

import pytest

from core.settings import ROOT
from tests.mutants.__main__ import fits
from tests.mutants.protections import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_patch_applies_and_its_tests_exist(mutant: Mutant) -> None:
    assert fits(mutant) == ""
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file()
        assert not name or re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_name_is_used_once() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 15
