"""Deprecated setting names of 0.1, accepted with a note until 0.3."""

from collections.abc import Mapping
from typing import Any

from fedaffect.errors import note

KEYS: dict[str, dict[str, str]] = {
    "conditions": {"spoilt_pictures": "corrupted_pictures"},
    "algorithm fedprox": {"strength": "mu"},
    "algorithm moon": {"strength": "mu"},
    "algorithm feddyn": {"strength": "alpha"},
    "algorithm fedproto": {"strength": "lambda_"},
    "algorithm fedmpd": {"strength": "lambda_"},
    "algorithm fedtgp_style": {"strength": "lambda_"},
}
"""By section (and the value of its name, where it matters), old key → new key."""
NAMES = {"model": {"council": "codistilled_ensemble"}}
"""By section, old value of `name` → new value."""


def with_new_names(experiment: Mapping[str, Any], quiet: bool = False) -> dict[str, Any]:
    """The table of an experiment with current names; if an old and a new key are set, the old one wins.

    Args:
        quiet: print no note, as when reading the record of an old run.
    """
    found = dict(experiment)
    for section, table in experiment.items():
        if not isinstance(table, Mapping):
            continue
        new = dict(table)
        old_name = new.get("name")
        if isinstance(old_name, str) and old_name in NAMES.get(section, {}):
            new["name"] = NAMES[section][old_name]
            _note_renamed(quiet, f"{section}.name={old_name}", f"{section}.name={new['name']}")
        keys = KEYS.get(section, {}) | KEYS.get(f"{section} {new.get('name')}", {})
        for old in keys.keys() & new.keys():
            new[keys[old]] = new.pop(old)
            _note_renamed(quiet, f"{section}.{old}", f"{section}.{keys[old]}")
        found[section] = new
    return found


def _note_renamed(quiet: bool, old: str, new: str) -> None:
    if not quiet:
        note(f"{old} is now called {new}; write that (the old name is read until 0.3)")
