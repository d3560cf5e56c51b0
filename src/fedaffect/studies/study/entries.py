"""What a table of models asks for: a row on a corpus, with the candidates among which dev chooses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fedaffect.errors import UserError
from fedaffect.runs.cache import Variant
from fedaffect.runs.pool import Job


@dataclass(frozen=True)
class Entry:
    """A row on a corpus.

    Attributes:
        common: the settings that all rows on this corpus share.
        candidates: by name; where there is nothing to choose a single one without a name.
        seeds: how many the chosen candidate is run with.
        tuning_seeds: by how many it is chosen.
        judge: the same row on another corpus, if the candidate is chosen there.
    """

    row: str
    corpus: str
    common: tuple[str, ...]
    candidates: Mapping[str, Variant]
    seeds: int
    tuning_seeds: int
    judge: "Entry | None" = None

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
class ModelTable:
    """All that one file asks for.

    Attributes:
        pairs: classes that are easily confused.
        entries: by corpus, a row each, in the order of the file.
    """

    name: str
    title: str
    base: str
    pairs: tuple[tuple[str, str], ...]
    entries: Mapping[str, tuple[Entry, ...]]

    def of_rows(self, only: Sequence[str] = ()) -> list[Entry]:
        """The entries of some rows, on every corpus; of all where none is named.

        Raises:
            UserError: a name that no row has.
        """
        entries = [entry for of_corpus in self.entries.values() for entry in of_corpus]
        ensure_known("--only", only, dict.fromkeys(entry.row for entry in entries), "row")
        return [entry for entry in entries if not only or entry.row in only]


def ensure_known(option: str, asked: Iterable[str], there: Iterable[str], what: str) -> None:
    """Nothing, where what was asked for is there.

    Raises:
        UserError: naming the option and what there is.
    """
    for name in asked:
        if name not in there:
            raise UserError(f"{option} {name}: no such {what}; there are: {', '.join(there)}")
