"""Named changes of an experiment, and where their runs are kept.

All runs lie in `OUT/cache/DIGEST/seed-K`, the digest being that of the resolved experiment. So all that ask
for one experiment share its runs, and what was changed is another experiment in another folder: nothing is
ever overwritten, nothing is refused.
"""

import hashlib
import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedaffect.corpus.store import sha256_of
from fedaffect.experiment import Experiment, trace_file
from fedaffect.record.files import SUMMARY
from fedaffect.runs.execute import resolved, seed_folder
from fedaffect.runs.pool import Job

CACHE = "cache"


@dataclass(frozen=True)
class Variant:
    """A base and what is changed in it.

    Attributes:
        base: a preset or the path of a TOML file.
        settings: all changes, in order.
        experiment: resolved, with the first seed.
        folder: that of its seeds.
    """

    name: str
    base: str
    settings: tuple[str, ...]
    experiment: Experiment
    folder: Path

    @classmethod
    def of(cls, name: str, base: str, settings: Sequence[str], out: Path) -> "Variant":
        """The variant, its runs to be kept in `out`.

        Raises:
            UserError: a base or a setting that cannot be used.
        """
        experiment = resolved(Experiment.load(base, settings))
        return cls(name, base, tuple(settings), experiment, out / CACHE / digest(experiment))

    @property
    def evaluation(self) -> str:
        """Its primary evaluation, as `Algorithm.evaluations` has it."""
        from fedaffect.federation.algorithms import find

        return find(self.experiment.algorithm).evaluations[0]

    def jobs(self, seeds: int) -> list[Job]:
        """Its runs by seed, from that of its experiment on, each with the command that repeats it."""
        settings = [part for setting in self.settings for part in ("--set", setting)]
        made = []
        for seed in range(self.experiment.seed, self.experiment.seed + seeds):
            folder = seed_folder(self.folder, seed)
            words = ["fedaffect", "run", self.base, *settings, "--seed", str(seed)]
            made.append(
                Job(
                    experiment=self.experiment.model_copy(update={"seed": seed}),
                    folder=folder,
                    command=shlex.join([*words, "--out", str(folder)]),
                    title=f"{self.name} seed {seed}",
                    slim=True,
                )
            )
        return made


def unfinished(variants: Iterable[tuple[Variant, int]]) -> list[Job]:
    """The runs that are still to do, each once: every variant's first seed, then every one's second, ...

    Args:
        variants: each with how many seeds.
    """
    found: dict[Path, tuple[int, Job]] = {}
    for variant, seeds in variants:
        for number, job in enumerate(variant.jobs(seeds)):
            if not (job.folder / SUMMARY).exists():
                found.setdefault(job.folder, (number, job))
    return [job for _, job in sorted(found.values(), key=lambda pair: pair[0])]


def digest(experiment: Experiment) -> str:
    """16 hex digits that stand for a resolved experiment, whatever its seed and its engine.

    Only what differs from a default counts, so that a setting which joins later leaves old runs known.
    """
    names = (f"model.name={experiment.model.name}", f"algorithm.name={experiment.algorithm.name}")
    default = resolved(Experiment().with_settings(names)).model_dump(mode="json")
    ours = experiment.model_dump(mode="json", exclude={"seed", "engine"})
    settings = [names, _changed(ours, default)]
    trace = Path(trace_file(experiment.clients.availability) or ".")
    if trace.is_file():
        settings.append(sha256_of(trace))  # its content counts, not its name
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _changed(table: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    """What a table says that the default does not."""
    found = {}
    for name, value in table.items():
        usual = default.get(name)
        if isinstance(value, dict) and isinstance(usual, dict):
            value = _changed(value, usual)
            if value:
                found[name] = value
        elif name not in default or value != usual:
            found[name] = value
    return found
