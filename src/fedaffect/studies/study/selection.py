"""Model selection: the candidate of each row with the best dev score. Test scores are never read here."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fedaffect.record.files import SUMMARY, read_object
from fedaffect.runs.cache import Variant, unfinished
from fedaffect.runs.failures import reason_of
from fedaffect.runs.pool import Job
from fedaffect.studies.study.entries import Entry

CHOSEN_BY = "dev_weighted_f1"


@dataclass(frozen=True)
class Trial:
    """A candidate that was tried.

    Attributes:
        settings: what its row and it change.
        dev: weighted F1 on dev by seed, of those it is chosen by; None for one that has not finished.
        failed: why, by seed.
    """

    candidate: str
    settings: tuple[str, ...]
    dev: Mapping[int, float | None]
    failed: Mapping[int, str]

    @property
    def score(self) -> float | None:
        """The mean over all of those seeds; None where one has failed or has not finished."""
        known = [score for score in self.dev.values() if score is not None]
        return statistics.fmean(known) if len(known) == len(self.dev) else None


def trials(entry: Entry) -> list[Trial]:
    """The scores of each candidate on dev, in the order of the file."""
    tuned = entry.tuned_on or entry
    return [_trial(tuned, name) for name in tuned.candidates]


def choose(tried: Sequence[Trial]) -> str | None:
    """The candidate with the best mean on dev, the first of equals; those that failed are passed over.

    None where all have failed, and until all others have finished: a choice is made once.
    """
    if len(tried) == 1:
        return tried[0].candidate
    left = [trial for trial in tried if not trial.failed]
    if not left or any(trial.score is None for trial in left):
        return None
    return max(left, key=lambda trial: trial.score or 0.0).candidate


def chosen_of(entry: Entry) -> Variant | None:
    """The candidate of an entry that is chosen, where there is one by now."""
    name = choose(trials(entry))
    return None if name is None else entry.candidates[name]


def tuning_jobs(entries: Iterable[Entry]) -> list[Job]:
    """What is still to do before candidates can be chosen; all of the rows that have but one."""
    tuned = [entry.tuned_on or entry for entry in entries]
    return unfinished(
        (variant, entry.first_seeds) for entry in tuned for variant in entry.candidates.values()
    )


def final_jobs(entries: Iterable[Entry]) -> list[Job]:
    """What is still to do of the candidates that have been chosen."""
    several = (entry for entry in entries if len(entry.candidates) > 1)
    return unfinished((found, entry.seeds) for entry in several if (found := chosen_of(entry)))


def _trial(entry: Entry, name: str) -> Trial:
    dev: dict[int, float | None] = {}
    failed = {}
    for job in entry.candidates[name].jobs(entry.first_seeds):
        seed, summary = job.experiment.seed, job.folder / SUMMARY
        dev[seed] = None
        if summary.is_file():
            cure = f"delete {job.folder} to run it again"
            dev[seed] = float(read_object(summary, [CHOSEN_BY], cure)[CHOSEN_BY])
        elif reason := reason_of(job.folder):
            failed[seed] = reason
    return Trial(name, entry.own_settings(name), dev, failed)
