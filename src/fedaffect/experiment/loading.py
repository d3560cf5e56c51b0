"""Where an experiment's table comes from: a preset or a TOML file, scenarios, single settings."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fedaffect import registry
from fedaffect.errors import UserError, note

SCENARIO = "scenario"
NAMED = ("model", "algorithm", "partition", "engine")
"""Sections whose further keys belong to the class that their `name` finds."""
Check = Callable[[Mapping[str, Any], str], object]


def presets() -> list[str]:
    """Names that `fedaffect run NAME` understands."""
    return _names("preset")


def scenarios() -> list[str]:
    """Names that `fedaffect run --scenario NAME` understands."""
    return _names(SCENARIO)


def read(source: str | Path, kind: str = "preset") -> dict[str, Any]:
    """A TOML file, or one of the package's presets or scenarios by name.

    Raises:
        UserError: no such name or file, or it is not TOML in UTF-8.
    """
    path, known = Path(source), _names(kind)
    if str(source) in known:
        text = (_folder(kind) / f"{source}.toml").read_text("utf-8")
    elif path.suffix == ".toml":
        if not path.is_file():
            raise UserError(f"{path}: no such {'experiment' if kind == 'preset' else kind} file")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from None
    else:
        raise UserError(
            f"{source}: no such {kind}; give a .toml file or one of: {', '.join(known)}"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{source}: not valid TOML: {error}") from None


def changed(
    table: dict[str, Any],
    settings: Iterable[str],
    sections: Mapping[str, type[BaseModel]],
    check: Check,
) -> dict[str, Any]:
    """The table of an experiment, changed in place: by scenarios, then by single settings.

    A section of `NAMED` that gets another name loses the keys that belonged to the old one.

    Args:
        settings: `section.name=value`, and `scenario=NAME` among them.
        sections: those of `NAMED`, with the keys that every name has, and the name where none is given.
        check: called with a scenario's table and what to call it in complaints.

    Raises:
        UserError: a setting or a scenario that cannot be used; or two scenarios clash.
    """
    named, single = list[str](), list[tuple[str, str, str]]()
    for setting in settings:
        path, separator, text = (part.strip() for part in setting.partition("="))
        if path == SCENARIO and text:
            named.append(text)
        elif not separator or not path.rpartition(".")[2]:
            raise UserError(f"--set {setting}: write it as section.name=value")
        else:
            single.append((setting, path, text))
    asked = [(p, v, f"scenario {name}") for name, p, v in _composed(named, check)]
    asked += [(path, _value(text), f"--set {setting}") for setting, path, text in single]
    for section in NAMED:
        names = {path: value for path, value, _ in asked}
        _drop_keys_of_another_name(table, section, sections[section], names.get(f"{section}.name"))
    for path, value, source in asked:
        _put(table, path, value, source)
    return table


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} → {"a.b": 1}."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def _drop_keys_of_another_name(
    table: dict[str, Any], section: str, schema: type[BaseModel], name: Any
) -> None:
    """Another model has other settings: what stood there for the old one would not fit it."""
    before = table.get(section)
    if name is None or not isinstance(before, dict):
        return
    old = before.get("name", schema.model_fields["name"].default)
    dropped = sorted(before.keys() - schema.model_fields.keys())
    if old != name and dropped:
        registry.ensure_known(section, str(name))
        values = ", ".join(f"{key}={before[key]}" for key in dropped)
        note(f"{section}.name={name}: settings of {old} dropped: {values}")
        table[section] = {key: value for key, value in before.items() if key not in dropped}


def _folder(kind: str) -> Any:
    return resources.files("fedaffect.experiment") / f"{kind}s"


def _names(kind: str) -> list[str]:
    files = [p.name for p in _folder(kind).iterdir()]
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def _composed(names: Iterable[str], check: Check) -> list[tuple[str, str, Any]]:
    """(scenario, field, value) of all that the scenarios set; they may agree, but not clash."""
    found: dict[str, tuple[str, Any]] = {}
    for name in names:
        table = read(name, SCENARIO)
        check(table, f"scenario {name}")
        for path, value in flat(table).items():
            first, before = found.setdefault(path, (name, value))
            if before != value:
                raise UserError(
                    f"scenarios {first} and {name} clash: one sets {path} to {before!r}, the other to "
                    f"{value!r}; leave one out"
                )
    return [(name, path, value) for path, (name, value) in found.items()]


def _put(table: dict[str, Any], path: str, value: Any, source: str) -> None:
    *sections, name = path.split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UserError(f"{source}: `{section}` is a value, not a section")
    table[name] = value


def _value(text: str) -> Any:
    """TOML where it is TOML (`3`, `0.1`, `true`, `["a"]`), a plain string otherwise."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
