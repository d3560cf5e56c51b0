"""Models, algorithms, partitions, readers, extractors and engines, found by name in one way.

A name is a file of the kind's package (`sdt`), an entry point of an installed package in the group
`fedaffect.KIND`, or `package.module:Class` of one's own, in the current folder or installed. Packages stand
here as text and are imported when they are asked for, so this file imports nothing of ours but errors.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from fedaffect.errors import UserError


@dataclass(frozen=True)
class Kind:
    """What may be found by name.

    Attributes:
        setting: where the name is given, for messages.
        package: each of its modules is one of the kind, but `base`, those that begin with `_`, and
            sub-packages.
        needs: attributes that a class of the kind has.
        elsewhere: modules of the kind outside the package, by name.
    """

    setting: str
    package: str
    needs: tuple[str, ...]
    elsewhere: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "model": Kind(
        "model.name",
        "fedaffect.models",
        ("Settings",),
        {
            "forest": "fedaffect.learning.forest.learner",
            "head": "fedaffect.learning.head.learner",
        },
    ),
    "algorithm": Kind(
        "algorithm.name",
        "fedaffect.federation.algorithms",
        ("Settings", "client_round", "server_round"),
    ),
    "partition": Kind("partition.name", "fedaffect.corpus.partition", ("Settings", "share_out")),
    "reader": Kind("--reader", "fedaffect.importing.readers", ("recognises", "read")),
    "extractor": Kind("extractor", "fedaffect.features.extractors", ("Settings", "extract")),
    "engine": Kind("engine.name", "fedaffect.federation.engines", ("Settings", "exchange")),
}


def names(kind: str) -> list[str]:
    """What `find` knows by a plain name: ours and those of installed packages; nothing is imported."""
    return sorted({*_ours(KINDS[kind]), *_installed(kind)})


def ensure_known(kind: str, name: str) -> None:
    """Nothing, where a plain name is known, or the name is one of a class of one's own. Nothing is imported.

    Raises:
        UserError: no such name; the nearest one, and all that are known.
    """
    known = names(kind)
    if ":" in name or name in known:
        return
    nearest = get_close_matches(name, known, n=1)
    raise UserError(
        f"{KINDS[kind].setting}: no {kind} `{name}`; "
        + (f"did you mean `{nearest[0]}`? " if nearest else "")
        + f"Known: {', '.join(known)}, or write package.module:Class for one of your own"
    )


def find(kind: str, name: str) -> type[Any]:
    """The class that a name stands for.

    Args:
        kind: a key of `KINDS`.

    Raises:
        UserError: nothing of that name, it cannot be imported, or it is no class of the kind.
    """
    ensure_known(kind, name)
    asked, ours = KINDS[kind], _ours(KINDS[kind])
    module, separator, class_name = name.partition(":")
    if separator:
        _allow_current_folder()
        return _class(kind, name, _imported(asked, module), class_name)
    if name in ours:
        return _class(kind, name, import_module(ours[name]))
    point = _installed(kind)[name]
    return _class(kind, name, _imported(asked, point.module), point.attr)


def _ours(kind: Kind) -> dict[str, str]:
    """By name, the modules of the package: read from its folder, so that not even the package is imported."""
    folder = Path(__file__).parent.joinpath(*kind.package.split(".")[1:])
    found = [m.name for m in iter_modules([str(folder)]) if not m.ispkg]
    inside = [name for name in found if name != "base" and not name.startswith("_")]
    return {**{name: f"{kind.package}.{name}" for name in inside}, **kind.elsewhere}


def _installed(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"fedaffect.{kind}")}


def _allow_current_folder() -> None:
    """Code of one's own may lie where one works; last, so that it shadows nothing."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def _imported(kind: Kind, module: str) -> ModuleType:
    try:
        return import_module(module)
    except Exception as error:  # whatever the code of a stranger raises
        raise UserError(f"{kind.setting}: cannot import `{module}`: {error}") from None


def _class(kind: str, name: str, module: ModuleType, class_name: str = "") -> type[Any]:
    """The one class of a kind in a module, or the one called so."""
    needs = KINDS[kind].needs
    found = [
        thing
        for attribute, thing in vars(module).items()
        if isinstance(thing, type)
        and not isabstract(thing)
        and all(hasattr(thing, needed) for needed in needs)
        and (attribute == class_name or (not class_name and thing.__module__ == module.__name__))
    ]
    if len(found) != 1:
        raise UserError(
            f"{KINDS[kind].setting}: `{name}` names no single {kind}: a class with {', '.join(needs)}; "
            "write package.module:Class"
        )
    return found[0]
