"""Settings that were called otherwise in 0.1, read until 0.3 with a note of what to write."""

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
"""By section (and the name that stands in it), old key → new key."""
NAMES = {"model": {"council": "codistilled_ensemble"}}
"""By section, old value of `name` → new value."""


def with_new_names(experiment: Mapping[str, Any], quiet: bool = False) -> dict[str, Any]:
    """The table of an experiment with today's names; of an old key and a new one the old counts.

    Args:
        quiet: no note, as of the record of an old run, which nobody writes again.
    """
    found = dict(experiment)
    for section, table in experiment.items():
        if not isinstance(table, Mapping):
            continue
        new = dict(table)
        old_name = new.get("name")
        if isinstance(old_name, str) and old_name in NAMES.get(section, {}):
            new["name"] = NAMES[section][old_name]
            _tell(quiet, f"{section}.name={old_name}", f"{section}.name={new['name']}")
        keys = KEYS.get(section, {}) | KEYS.get(f"{section} {new.get('name')}", {})
        for old in keys.keys() & new.keys():
            new[keys[old]] = new.pop(old)
            _tell(quiet, f"{section}.{old}", f"{section}.{keys[old]}")
        found[section] = new
    return found


def _tell(quiet: bool, old: str, new: str) -> None:
    if not quiet:
        note(f"{old} is now called {new}; write that (the old name is read until 0.3)")
