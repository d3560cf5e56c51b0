"""From the file of a table of models to what it asks for (`entries`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from fedaffect.errors import UserError
from fedaffect.experiment import Section, validated
from fedaffect.record.files import read_toml
from fedaffect.runs.cache import Variant
from fedaffect.studies.study.entries import Entry, ModelTable, ensure_known

MOST_CANDIDATES = 6
_FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_OneLine = Annotated[str, Field(pattern=r"^[^\n\r]+$")]
_FileName = Annotated[str, Field(pattern=_FILE_NAME)]


class RowSection(Section):
    """A row: what it changes, and among what dev chooses."""

    settings: list[str] = Field([])
    seeds: int | None = Field(None, ge=1, le=1000, description="instead of the table's")
    candidates: dict[_OneLine, list[str]] = Field({}, max_length=MOST_CANDIDATES)
    corpora: list[str] = Field([], description="only on these; on all where none is named")


class TableFile(Section):
    """The fields of a table's TOML file."""

    name: _FileName
    title: str = Field(min_length=1)
    base: str = Field(description="a preset, or a TOML file beside this one")
    seeds: int = Field(3, ge=1, le=1000)
    tuning_seeds: int = Field(1, ge=1, le=1000, description="by so many a candidate is chosen")
    tune_on: str | None = Field(
        None, description="candidates are chosen on this corpus, for all; else on each for itself"
    )
    settings: list[str] = Field([], description="changes of every row: section.name=value")
    pairs: list[tuple[str, str]] = Field([], description="classes that are easily confused")
    corpora: dict[_FileName, list[str]] = Field(min_length=1)
    rows: dict[_OneLine, RowSection] = Field(min_length=1)

    @model_validator(mode="after")
    def _pairs_are_of_two(self) -> Self:
        for one, other in self.pairs:
            if one == other:
                raise ValueError(f"pairs: `{one}` is there with itself; name two classes")
        return self

    @model_validator(mode="after")
    def _every_corpus_has_a_row(self) -> Self:
        if self.tune_on is not None and self.tune_on not in self.corpora:
            raise ValueError(f"tune_on: `{self.tune_on}` is not in [corpora]")
        for name, row in self.rows.items():
            if row.candidates and self.tune_on and name not in self.rows_on(self.tune_on):
                raise ValueError(
                    f"rows.{name}: not run on `{self.tune_on}`, where its candidate is chosen"
                )
            for corpus in row.corpora:
                if corpus not in self.corpora:
                    raise ValueError(f"rows.{name}.corpora: `{corpus}` is not in [corpora]")
        for corpus in self.corpora:
            if not self.rows_on(corpus):
                raise ValueError(f"corpora.{corpus}: no row is run on it; leave it out")
        return self

    def rows_on(self, corpus: str) -> dict[str, RowSection]:
        """The rows of a corpus, by name."""
        return {n: r for n, r in self.rows.items() if not r.corpora or corpus in r.corpora}


def load(
    path: Path, out: Path, seeds: int | None = None, corpora: Sequence[str] = ()
) -> ModelTable:
    """Read a table's file and resolve the experiment of every candidate.

    Args:
        out: where runs are kept, below `cache`.
        seeds: instead of what the file says, of every row.
        corpora: the names of some; empty for all.

    Raises:
        UserError: naming the file, and the field, the row or the candidate that cannot be used.
    """
    absent = "no such file of a table; see tables/README.md for what one holds"
    file = validated(TableFile, read_toml(path, absent), str(path))
    ensure_known("--corpus", corpora, file.corpora, "corpus")
    base = str(path.parent / file.base) if file.base.endswith(".toml") else file.base
    entries: dict[str, tuple[Entry, ...]] = {}
    judges: dict[str, Entry] = {}
    for corpus in sorted(file.corpora, key=lambda name: name != file.tune_on):
        if corpora and corpus not in (*corpora, file.tune_on):
            continue
        common = (*file.settings, *file.corpora[corpus])
        found = []
        for name, row in file.rows_on(corpus).items():
            candidates = _candidates(path, base, common, corpus, name, row, out)
            number = seeds or row.seeds or file.seeds
            judge = judges.get(name) if len(candidates) > 1 else None
            found.append(Entry(name, corpus, common, candidates, number, file.tuning_seeds, judge))
        _ensure_one_corpus(path, found)
        entries[corpus] = tuple(found)
        if corpus == file.tune_on:
            judges = {entry.row: entry for entry in found}
    asked = {name: entries[name] for name in file.corpora if not corpora or name in corpora}
    return ModelTable(file.name, file.title, base, tuple(file.pairs), asked)


def _candidates(
    path: Path,
    base: str,
    common: Sequence[str],
    corpus: str,
    row: str,
    section: RowSection,
    out: Path,
) -> dict[str, Variant]:
    """The candidates of a row on a corpus; they must be different experiments, judged in one way."""
    found: dict[str, Variant] = {}
    for name, own in (section.candidates or {"": []}).items():
        title = f"{row} ({name}) {corpus}" if name else f"{row} {corpus}"
        where = f"{path}: row `{row}`" + (f": candidate `{name}`" if name else "")
        try:
            variant = Variant.of(title, base, (*common, *section.settings, *own), out)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        for other, before in found.items():
            if before.folder == variant.folder:
                raise UserError(f"{where}: the same experiment as `{other}`; leave one out")
            if before.evaluation != variant.evaluation:
                raise UserError(
                    f"{where}: is judged by `{variant.evaluation}`, `{other}` by `{before.evaluation}`: dev "
                    "cannot choose between them; make them rows"
                )
        found[name] = variant
    return found


def _ensure_one_corpus(path: Path, entries: Sequence[Entry]) -> None:
    first = next(iter(entries[0].candidates.values())).experiment.data
    for entry in entries:
        for variant in entry.candidates.values():
            if variant.experiment.data != first:
                raise UserError(
                    f"{path}: row `{entry.row}`: data: another corpus ({variant.experiment.data}) than the "
                    f"other rows have on `{entry.corpus}` ({first}); name corpora in [corpora] only"
                )
