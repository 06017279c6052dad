"""Measures of areas above scorecards: the modules that register them, imported when scores are first computed.

An area names its module from where it is loaded anyway; nothing heavy is imported for that.
"""

import importlib
import sys

_MODULES: list[str] = []
_USER = "abm.scorecards.computing"


def add_measures_of(module: str) -> None:
    """`module` registers measures when it is imported."""
    if module not in _MODULES:
        _MODULES.append(module)
    if _USER in sys.modules:
        load_further_measures()


def load_further_measures() -> None:
    for name in _MODULES:
        importlib.import_module(name)
