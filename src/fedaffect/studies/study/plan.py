"""From the file of a study to what it asks for (`entries`)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from fedaffect.errors import UserError
from fedaffect.experiment import Section, validated
from fedaffect.record.files import read_toml
from fedaffect.runs.cache import Variant
from fedaffect.studies.study import Reference
from fedaffect.studies.study.entries import Entry, Study, ensure_known

MOST_CANDIDATES = 6
_FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_OneLine = Annotated[str, Field(pattern=r"^[^\n\r]+$")]
_FileName = Annotated[str, Field(pattern=_FILE_NAME)]
_NO_FILE = "no such study; ablations/README.md and tables/README.md say what its file holds"


class RowSection(Section):
    """A row: what it changes, and among what dev chooses; it may be a list of settings alone."""

    settings: list[str] = Field([])
    seeds: int | None = Field(None, ge=1, le=1000, description="instead of the study's")
    candidates: dict[_OneLine, list[str]] = Field({}, max_length=MOST_CANDIDATES)
    corpora: list[str] = Field([], description="only on these; on all where none is named")

    @model_validator(mode="before")
    @classmethod
    def _settings_alone(cls, given: Any) -> Any:
        if not isinstance(given, list | dict):
            raise ValueError("not a valid list of settings")
        return {"settings": given} if isinstance(given, list) else given


class StudyFile(Section):
    """The fields of a study's TOML file. Rows are compared with the best; without corpora with the first."""

    name: _FileName
    title: str = Field(min_length=1)
    base: str = Field(description="a preset, or a TOML file beside this one")
    seeds: int = Field(3, ge=1, le=1000)
    settings: list[str] = Field([], description="changes of every row: section.name=value")
    columns: list[str] = Field([], description="more figures of summary.json to show, by name")
    curve: str = Field(
        "", description="rows are called `LINE, POINT`: draw them so, with this below the points"
    )
    pairs: list[tuple[str, str]] = Field([], description="classes that are easily confused")
    tuning_seeds: int = Field(1, ge=1, le=1000, description="by so many a candidate is chosen")
    tune_on: str | None = Field(
        None, description="candidates are chosen on this corpus, for all; else on each for itself"
    )
    corpora: dict[_FileName, list[str]] = Field({})
    rows: dict[_OneLine, RowSection] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for name in self.rows if self.curve else ():
            if not all(line_and_point(name)):
                raise ValueError(f"curve: row `{name}` is not called `LINE, POINT`")
        for one, other in self.pairs:
            if one == other:
                raise ValueError(f"pairs: `{one}` is there with itself; name two classes")
        if self.tune_on is not None and self.tune_on not in self.corpora:
            raise ValueError(f"tune_on: `{self.tune_on}` is not in [corpora]")
        for name, row in self.rows.items():
            for corpus in row.corpora:
                if corpus not in self.corpora:
                    raise ValueError(f"rows.{name}.corpora: `{corpus}` is not in [corpora]")
            if row.candidates and self.tune_on and name not in self.rows_on(self.tune_on):
                raise ValueError(
                    f"rows.{name}: not run on `{self.tune_on}`, where its candidate is chosen"
                )
        for corpus in self.corpora:
            if not self.rows_on(corpus):
                raise ValueError(f"corpora.{corpus}: no row is run on it; leave it out")
        return self

    def rows_on(self, corpus: str) -> dict[str, RowSection]:
        return {n: r for n, r in self.rows.items() if not r.corpora or corpus in r.corpora}


def line_and_point(row: str) -> tuple[str, str]:
    """`FedAvg, 5 epochs` → (`FedAvg`, `5 epochs`)."""
    line, _, point = row.rpartition(", ")
    return line, point


def load_all(
    paths: Sequence[Path],
    out: Path,
    seeds: int | None = None,
    data: str | None = None,
    corpora: Sequence[str] = (),
) -> list[Study]:
    """Several files; see `load`.

    Raises:
        UserError: as `load`; or two would write the same results.
    """
    studies, names = list[Study](), set[str]()
    for path in paths:
        study = load(path, out, seeds, data, corpora)
        for corpus in study.entries:
            name = study.file_name(corpus)
            if name in names:
                raise UserError(f"{path}: name: another FILE writes `{name}.md` too; rename one")
            names.add(name)
        studies.append(study)
    return studies


def load(
    path: Path,
    out: Path,
    seeds: int | None = None,
    data: str | None = None,
    corpora: Sequence[str] = (),
) -> Study:
    """Read a study's file and resolve the experiment of every row, of each of its candidates.

    Args:
        out: where runs are kept, below `cache`.
        seeds: instead of what the file says, of every row.
        data: instead of what the file says; only where it names no corpora.
        corpora: the names of some; empty for all.

    Raises:
        UserError: naming the file, and the field, the row or the candidate that cannot be used.
    """
    file = validated(StudyFile, read_toml(path, _NO_FILE), str(path))
    if data is not None and file.corpora:
        raise UserError(f"{path}: its corpora stand under [corpora]; leave --data out")
    ensure_known("--corpus", corpora, file.corpora, "corpus")
    settings = (*file.settings, *([f"data={json.dumps(data)}"] if data is not None else []))
    changes = file.corpora or {"": []}
    base = str(path.parent / file.base) if file.base.endswith(".toml") else file.base
    entries: dict[str, tuple[Entry, ...]] = {}
    tuned: dict[str, Entry] = {}
    for corpus in sorted(changes, key=lambda name: name != file.tune_on):
        if corpora and corpus not in (*corpora, file.tune_on):
            continue
        common = (*settings, *changes[corpus])
        found = []
        for name, row in file.rows_on(corpus).items():
            candidates = _candidates(path, base, common, corpus, name, row, out)
            number = seeds or row.seeds or file.seeds
            tuned_on = tuned.get(name) if len(candidates) > 1 else None
            found.append(
                Entry(name, corpus, common, candidates, number, file.tuning_seeds, tuned_on)
            )
        (_ensure_one_corpus if corpus else _ensure_each_once)(path, found)
        entries[corpus] = tuple(found)
        if corpus == file.tune_on:
            tuned = {entry.row: entry for entry in found}
    return Study(
        name=file.name,
        title=file.title,
        base=base,
        reference=Reference.BEST if file.corpora else Reference.FIRST,
        columns=tuple(file.columns),
        curve=file.curve,
        pairs=tuple(file.pairs),
        entries={name: entries[name] for name in changes if not corpora or name in corpora},
    )


def _candidates(
    path: Path,
    base: str,
    common: Sequence[str],
    corpus: str,
    row: str,
    section: RowSection,
    out: Path,
) -> dict[str, Variant]:
    """The candidates of a row on a corpus; they must be different experiments with one evaluation."""
    found: dict[str, Variant] = {}
    for name, own in (section.candidates or {"": []}).items():
        title = f"{row} ({name}) {corpus}" if name else f"{row} {corpus}"
        where = f"{path}: row `{row}`" + (f": candidate `{name}`" if name else "")
        try:
            variant = Variant.of(title.strip(), base, (*common, *section.settings, *own), out)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        for other, before in found.items():
            if before.folder == variant.folder:
                raise UserError(f"{where}: the same experiment as `{other}`; leave one out")
            if before.evaluation != variant.evaluation:
                raise UserError(
                    f"{where}: is evaluated as `{variant.evaluation}`, `{other}` as `{before.evaluation}`: "
                    "dev cannot choose between them; make them rows"
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


def _ensure_each_once(path: Path, entries: Sequence[Entry]) -> None:
    rows: dict[Path, str] = {}
    for entry in entries:
        for variant in entry.candidates.values():
            other = rows.setdefault(variant.folder, entry.row)
            if other != entry.row:
                raise UserError(
                    f"{path}: rows `{other}` and `{entry.row}` are the same experiment; leave one out"
                )
