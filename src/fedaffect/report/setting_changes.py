"""Settings of experiments beside each other, and beside the defaults."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from fedaffect.experiment import Experiment, flat
from fedaffect.report.formatting import NOTHING

_NO_SETTINGS = ("name", "seed")


def changed_settings(experiment: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(setting, value, default) where they differ; a model's own settings have no default here."""
    default = flat(Experiment().model_dump())
    return [
        (name, value, default.get(name, NOTHING))
        for name, value in _plain(flat(experiment)).items()
        if name not in default or default[name] != value
    ]


def differing(experiments: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Every setting that is not the same in all, with its value in each; None where one does not have it.

    Another algorithm (or model) has settings of its own; those that only some have are compared among these.
    A setting that is younger than a run had its default there. Names and seeds are none.
    """
    default = flat(Experiment().model_dump())
    each = [default | _plain(flat(experiment)) for experiment in experiments]
    names = dict.fromkeys(name for table in each for name in table)
    return {
        name: [table.get(name) for table in each]
        for name in names
        if name not in _NO_SETTINGS and any(_differs(name, *pair) for pair in combinations(each, 2))
    }


def _differs(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    kind = f"{name.partition('.')[0]}.name"
    like = (name in one and name in other) or one.get(kind) == other.get(kind)
    return like and one.get(name) != other.get(name)


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """An experiment holds tuples, the record of one lists."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}
