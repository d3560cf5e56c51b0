"""Every setting that an experiment can have: its name, what it may be, its default and what it means."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import BaseModel

from fedaffect import registry
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.report.formatting import NOTHING
from fedaffect.report.table import Column, Table


@dataclass(frozen=True)
class Setting:
    """One setting, as `--set NAME=VALUE` takes it.

    Attributes:
        allowed: values, or a type with its bounds.
        default: as TOML has it, or a dash where there is none.
    """

    name: str
    allowed: str
    default: str
    meaning: str


KINDS = ("algorithm", "partition", "engine", "model")
"""Sections with a name; `model` last, since any class with settings could be one."""


def every_setting(own: Iterable[str] = ()) -> dict[str, list[Setting]]:
    """By section: those of the experiment, and of each model, algorithm, partition and engine with a name.

    Args:
        own: further classes, as `package.module:Class`.

    Raises:
        UserError: a class of none of these kinds.
    """
    found = {"experiment": _settings(Experiment, "")}
    for name, field in Experiment.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found[name] = _settings(field.annotation, f"{name}.")
    for kind in KINDS:
        found[kind] = [_with_names(s, kind) for s in found[kind]]
        for name in registry.names(kind):
            schema = registry.find(kind, name).Settings
            found[f"{kind} {name}"] = _settings(schema, f"{kind}.")
    readers = Setting("--reader", _or_own("reader"), NOTHING, "of `data import`: what reads a file")
    found["data import"] = [readers]
    for name in own:
        kind = _kind_of(name)
        found[f"{kind} {name}"] = _settings(registry.find(kind, name).Settings, f"{kind}.")
    return {name: settings for name, settings in found.items() if settings}


def _with_names(setting: Setting, kind: str) -> Setting:
    """`KIND.name` with the names that it may be."""
    if setting.name != f"{kind}.name":
        return setting
    return replace(setting, allowed=_or_own(kind))


def _or_own(kind: str) -> str:
    return " | ".join([*registry.names(kind), "module:Class"])


def _kind_of(name: str) -> str:
    for kind in KINDS[:-1]:
        try:
            registry.find(kind, name)
        except UserError:
            continue
        return kind
    return KINDS[-1]


def as_table(settings: Iterable[Setting]) -> Table:
    """A row a setting."""
    names = ("setting", "may be", "default", "meaning")
    rows = ((s.name, s.allowed, s.default, s.meaning) for s in settings)
    return Table(tuple(Column(name, words=True) for name in names), tuple(rows))


def as_markdown(sections: dict[str, list[Setting]]) -> str:
    """A page with a table for each section."""
    lines = [
        "# Settings",
        "",
        "Written by `fedaffect settings --markdown`. Each stands in a TOML file under its section, or on the",
        "command line as `--set NAME=VALUE`; a model's and an algorithm's own go where its `name` is.",
        "",
    ]
    for section, settings in sections.items():
        quoted = (replace(s, name=f"`{s.name}`", default=f"`{s.default}`") for s in settings)
        lines += [f"## {section}", "", *as_table(quoted).as_markdown(), ""]
    return "\n".join(lines).rstrip()


def as_json(sections: dict[str, list[Setting]]) -> str:
    """The same, by section."""
    return json.dumps(
        {name: [asdict(s) for s in found] for name, found in sections.items()}, indent=2
    )


def _settings(schema: type[BaseModel], prefix: str) -> list[Setting]:
    described = schema.model_json_schema()
    return [
        Setting(
            name=prefix + name,
            allowed=_allowed(about),
            default=json.dumps(about["default"]) if "default" in about else NOTHING,
            meaning=about.get("description", ""),
        )
        for name, about in described["properties"].items()
        if "$ref" not in about
    ]


def _allowed(about: dict[str, Any]) -> str:
    """What JSON schema says of a value, in words."""
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    if "const" in about:
        return str(about["const"])
    if "anyOf" in about:
        return " | ".join(_allowed(one) for one in about["anyOf"])
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    words = [f"{sign} {about[key]:g}" for key, sign in bounds.items() if key in about]
    kind = {"integer": "whole number", "object": "table", "array": "list"}
    name = str(about.get("type", "value"))
    return " ".join([kind.get(name, name), *words])
