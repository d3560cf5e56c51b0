"""Federated algorithms, one file an idea. A name is a file here, or `package.module:Class` elsewhere."""

from importlib import import_module
from importlib.util import find_spec
from inspect import isabstract
from pkgutil import iter_modules

from fedaffect.errors import UserError
from fedaffect.experiment import Algorithm as Section
from fedaffect.federation.algorithms.base import Algorithm

_SHARED = {"base", "prototypes"}


def find(section: Section) -> Algorithm:
    """The algorithm that an experiment's `[algorithm]` section names, with its settings.

    Raises:
        UserError: no such algorithm, or settings that it does not have.
    """
    module, _, class_name = section.name.partition(":")
    if not class_name:
        if module not in names():
            raise UserError(
                f"algorithm.name: no algorithm `{module}`; known: {', '.join(names())}, "
                "or write package.module:Class for one of your own"
            )
        module = f"{__name__}.{module}"
    try:
        found = import_module(module)
    except (ImportError, ValueError, TypeError) as error:
        raise UserError(f"algorithm.name: cannot import `{module}`: {error}") from None
    candidates = [
        kind
        for name, kind in vars(found).items()
        if isinstance(kind, type)
        and issubclass(kind, Algorithm)
        and not isabstract(kind)
        and (name == class_name or (not class_name and kind.__module__ == module))
    ]
    if len(candidates) != 1:
        raise UserError(f"algorithm.name: `{section.name}` does not name one Algorithm class")
    return candidates[0](section.settings)


def names() -> list[str]:
    """The algorithms that come with the package."""
    spec = find_spec(__name__)
    assert spec is not None
    return sorted(
        m.name for m in iter_modules(spec.submodule_search_locations) if m.name not in _SHARED
    )
