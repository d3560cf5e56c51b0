"""Sections of settings, and the one-line error where a table does not fit."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fedaffect.errors import UserError

M = TypeVar("M", bound=BaseModel)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class OpenSection(Section):
    """A section whose further keys belong to the class that its `name` finds."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def settings(self) -> dict[str, Any]:
        """The keys that the class validates."""
        return dict(self.__pydantic_extra__ or {})


def validated(schema: type[M], table: Mapping[str, Any], source: str) -> M:
    """`schema(**table)`, with pydantic's complaint turned into one line for a person.

    Raises:
        UserError: naming `source`, the first offending field and what it may be.
    """
    try:
        return schema.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ").replace("Field required", "is missing")
        if not field:  # of several fields at once, which the reason names
            raise UserError(f"{source}: {reason}") from None
        if first["type"] == "extra_forbidden":
            known = ", ".join(_known(schema, first["loc"][:-1]))
            reason = "no such setting" + (f"; known here: {known}" if known else "")
        given = "" if first["type"] == "missing" else f" (given: {first['input']!r})"
        raise UserError(f"{source}: {field}: {reason}{given}") from None


def _known(schema: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """The fields of the section at `path`; none where that is no section."""
    for name in path:
        inner = schema.model_fields[str(name)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        schema = inner
    return sorted(schema.model_fields)
