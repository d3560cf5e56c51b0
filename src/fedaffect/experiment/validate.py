"""Base classes of settings sections, and validation with one-line errors."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fedaffect.errors import UserError

M = TypeVar("M", bound=BaseModel)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class OpenSection(Section):
    """A section with further keys, which the class registered under `name` validates."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def settings(self) -> dict[str, Any]:
        """The keys that the class validates."""
        return dict(self.__pydantic_extra__ or {})


def validated(schema: type[M], table: Mapping[str, Any], source: str) -> M:
    """`schema(**table)`, with a ValidationError of pydantic reported as a one-line UserError.

    Raises:
        UserError: naming `source`, the first offending field and what it may be.
    """
    try:
        return schema.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ").replace("Field required", "is missing")
        if not field:  # from a model-level validator; the reason names the fields
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
