"""The classes in which a model's answers and a corpus's labels meet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from fedaffect.corpus.classes import ClassMap
from fedaffect.errors import UserError
from fedaffect.experiment import Section, validated
from fedaffect.record.files import read_toml


class Table(Section):
    """A file that says which classes stand for which.

    Attributes:
        classes: from classes of the model to those that it is judged in; empty = by their own names.
        labels: the same of the corpus.
    """

    classes: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class ClassMapping:
    """Attributes:
    of_model: from the model's classes to the common ones.
    of_labels: from the corpus's.
    """

    of_model: ClassMap
    of_labels: ClassMap

    @property
    def names(self) -> tuple[str, ...]:
        return self.of_model.target


def read_mapping(file: Path) -> Table:
    """The table of a TOML file.

    Raises:
        UserError: no such file, or one that says nothing or something else.
    """
    table = validated(Table, read_toml(file, "no such file; write one"), str(file))
    if not table.classes and not table.labels:
        raise UserError(
            f'{file}: says nothing; write a table [classes] with lines MODEL-CLASS = "CORPUS-CLASS"'
        )
    return table


def same(model: Sequence[str], corpus: Sequence[str]) -> ClassMapping:
    """Classes of the same names.

    Raises:
        UserError: they are not the same.
    """
    if set(model) != set(corpus):
        raise UserError(
            f"the model's classes are {', '.join(model)}, the corpus's {', '.join(corpus)}; say with "
            "--classes FILE which stand for which"
        )
    return ClassMapping(
        *(ClassMap.of(side, model, {n: n for n in side}) for side in (model, corpus))
    )


def mapped(model: Sequence[str], corpus: Sequence[str], table: Table, file: Path) -> ClassMapping:
    """Classes as a table has them; what it does not name, and what only one side reaches, is left out.

    Raises:
        UserError: a name that is no class, or fewer than two classes in common.
    """
    ours = table.classes or {name: name for name in model}
    theirs = table.labels or {name: name for name in corpus}
    for table_name, given, own, side, other in (
        ("classes", table.classes, model, "the model", theirs.values()),
        ("labels", table.labels, corpus, "the corpus", ours.values()),
    ):
        _ensure_known(given, own, f"{file}: {table_name}: `{{}}` is no class of {side}")
        _ensure_known(given.values(), other, f"{file}: {table_name}: nothing to meet at `{{}}`")
    names = tuple(dict.fromkeys(name for name in theirs.values() if name in ours.values()))
    if len(names) < 2:
        raise UserError(
            f"{file}: {len(names)} classes in common ({', '.join(names) or 'none'}); name two or more"
        )
    return ClassMapping(_to(names, model, ours), _to(names, corpus, theirs))


def _to(names: Sequence[str], source: Sequence[str], table: Mapping[str, str]) -> ClassMap:
    return ClassMap.of(source, names, {k: name for k, name in table.items() if name in names})


def _ensure_known(given: Iterable[str], known: Collection[str], said: str) -> None:
    for name in given:
        if name not in known:
            raise UserError(f"{said.format(name)}; choose of {', '.join(dict.fromkeys(known))}")
