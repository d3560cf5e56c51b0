"""What a study asks for: a row on a corpus, with the candidates among which dev chooses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fedaffect.errors import UserError
from fedaffect.runs.cache import Variant
from fedaffect.runs.pool import Job
from fedaffect.studies.study import Layout, Reference


@dataclass(frozen=True)
class Entry:
    """A row on a corpus.

    Attributes:
        common: the settings that all rows on this corpus share.
        candidates: by name; where there is nothing to choose a single one without a name.
        seeds: how many the chosen candidate is run with.
        tuning_seeds: by how many it is chosen.
        tuned_on: the same row on another corpus, if the candidate is chosen there.
    """

    row: str
    corpus: str
    common: tuple[str, ...]
    candidates: Mapping[str, Variant]
    seeds: int
    tuning_seeds: int
    tuned_on: "Entry | None" = None

    def own_settings(self, candidate: str) -> tuple[str, ...]:
        """What the row and a candidate of it change."""
        return self.candidates[candidate].settings[len(self.common) :]

    @property
    def first_seeds(self) -> int:
        """How many seeds each candidate is run with: those of the choice, all if there is none to make."""
        return self.tuning_seeds if len(self.candidates) > 1 else self.seeds

    @property
    def all_jobs(self) -> list[Job]:
        """Every run that may be asked for, whatever is chosen."""
        seeds = max(self.seeds, self.tuning_seeds)
        return [job for variant in self.candidates.values() for job in variant.jobs(seeds)]


@dataclass(frozen=True)
class Study:
    """All that one file asks for.

    Attributes:
        base: a preset, or the path of a TOML file.
        columns: more figures of `summary.json` to show.
        curve: what the points of rows called `LINE, POINT` are; empty where rows are no curves.
        pairs: classes that are easily confused.
        entries: by corpus, a row each, in the order of the file; one corpus without a name where the file
            names none.
    """

    name: str
    title: str
    base: str
    reference: Reference
    columns: tuple[str, ...]
    curve: str
    pairs: tuple[tuple[str, str], ...]
    entries: Mapping[str, tuple[Entry, ...]]

    @property
    def all_entries(self) -> list[Entry]:
        return [entry for of_corpus in self.entries.values() for entry in of_corpus]

    def heading(self, corpus: str) -> str:
        return f"{self.title}: {corpus}" if corpus else self.title

    def file_name(self, corpus: str, layout: Layout = Layout.SUMMARY) -> str:
        """What the files of a corpus are called, without their suffix."""
        parts = (self.name, corpus, "" if layout is Layout.SUMMARY else layout.value)
        return "-".join(part for part in parts if part)


def of_rows(studies: Sequence[Study], only: Sequence[str] = ()) -> list[Entry]:
    """The entries of some rows, on every corpus; of all where none is named.

    Raises:
        UserError: a name that no row has.
    """
    entries = [entry for study in studies for entry in study.all_entries]
    ensure_known("--only", only, dict.fromkeys(entry.row for entry in entries), "row")
    return [entry for entry in entries if not only or entry.row in only]


def ensure_known(option: str, wanted: Iterable[str], known: Iterable[str], what: str) -> None:
    """Nothing, where all that is wanted is known.

    Raises:
        UserError: naming the option and what there is.
    """
    for name in wanted:
        if name not in known:
            there = ", ".join(filter(None, known)) or "none"
            raise UserError(f"{option} {name}: no such {what}; there are: {there}")
