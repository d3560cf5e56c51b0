"""The common classes of a model's predictions and a corpus's labels."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from fedaffect.corpus.classes import ClassMap
from fedaffect.errors import UserError
from fedaffect.experiment import Section, validated
from fedaffect.record.files import read_toml


class ClassFile(Section):
    """A TOML file that says which classes stand for which.

    Attributes:
        classes: from classes of the model to the common ones; empty = by their own names.
        labels: from those of the corpus.
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


def read_mapping(file: Path) -> ClassFile:
    """The tables of a TOML file.

    Raises:
        UserError: no such file, or one that says nothing or something else.
    """
    found = validated(ClassFile, read_toml(file, "no such file; write one"), str(file))
    if not found.classes and not found.labels:
        raise UserError(
            f'{file}: says nothing; write a table [classes] with lines MODEL-CLASS = "CORPUS-CLASS"'
        )
    return found


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
        *(ClassMap.of(own, model, {name: name for name in own}) for own in (model, corpus))
    )


def mapped(
    model: Sequence[str], corpus: Sequence[str], given: ClassFile, file: Path
) -> ClassMapping:
    """Classes as a file has them; one that it does not name, or that only one of the two has, is left out.

    Raises:
        UserError: a name that is no class, or fewer than two classes in common.
    """
    ours = given.classes or {name: name for name in model}
    theirs = given.labels or {name: name for name in corpus}
    for table, entries, own, owner, other in (
        ("classes", given.classes, model, "the model", theirs.values()),
        ("labels", given.labels, corpus, "the corpus", ours.values()),
    ):
        _ensure_known(entries, own, f"{file}: {table}: `{{}}` is no class of {owner}")
        _ensure_known(entries.values(), other, f"{file}: {table}: nothing to meet at `{{}}`")
    names = tuple(dict.fromkeys(name for name in theirs.values() if name in ours.values()))
    if len(names) < 2:
        raise UserError(
            f"{file}: {len(names)} classes in common ({', '.join(names) or 'none'}); name two or more"
        )
    return ClassMapping(_to(names, model, ours), _to(names, corpus, theirs))


def _to(names: Sequence[str], source: Sequence[str], table: Mapping[str, str]) -> ClassMap:
    return ClassMap.of(source, names, {k: name for k, name in table.items() if name in names})


def _ensure_known(given: Iterable[str], known: Collection[str], message: str) -> None:
    for name in given:
        if name not in known:
            raise UserError(f"{message.format(name)}; choose of {', '.join(dict.fromkeys(known))}")
