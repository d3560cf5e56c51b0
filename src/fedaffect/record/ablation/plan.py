"""An ablation: named changes against a base, each run over seeds; from its file to the runs it asks for.

All runs lie in `OUT/cache/DIGEST/seed-K`, the digest being that of the resolved experiment. So two ablations
share what they have in common, and a row that was changed is another experiment in another folder: nothing
is ever overwritten, nothing is refused.
"""

import hashlib
import json
import shlex
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from fedaffect.corpus.store import sha256_of
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Section, trace_file, validated
from fedaffect.record.files import SUMMARY
from fedaffect.record.run import resolved, seed_folder
from fedaffect.record.several import Job

CACHE = "cache"


class AblationFile(Section):
    """The fields of an ablation's TOML file; the first row is what the others are compared with."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    title: str = Field(min_length=1)
    base: str = Field(description="a preset, or a TOML file beside this one")
    seeds: int = Field(3, ge=1, le=1000)
    settings: list[str] = Field([], description="changes of every row: section.name=value")
    columns: list[str] = Field([], description="more figures of summary.json to show, by name")
    curve: str = Field(
        "", description="rows are called `LINE, POINT`: draw them so, with this below the points"
    )
    rows: dict[Annotated[str, Field(pattern=r"^[^\n\r]+$")], list[str]] = Field(min_length=1)

    @model_validator(mode="after")
    def _points_have_lines(self) -> Self:
        for row in self.rows if self.curve else ():
            if not all(line_and_point(row)):
                raise ValueError(f"curve: row `{row}` is not called `LINE, POINT`")
        return self


@dataclass(frozen=True)
class Variant:
    """A row: the base and what is changed in it.

    Attributes:
        settings: the row's own changes.
        experiment: resolved, with the first seed.
        folder: that of its seeds.
    """

    name: str
    settings: tuple[str, ...]
    experiment: Experiment
    folder: Path


@dataclass(frozen=True)
class Ablation:
    """All that one file asks for; the first variant is the base.

    Attributes:
        base: a preset or the path of a TOML file.
        settings: the changes that every variant has.
        columns: more figures of a summary to show.
        curve: what the points of variants called `LINE, POINT` are; empty where they are no curves.
        seeds: how many, from that of each variant's experiment on.
    """

    name: str
    title: str
    base: str
    settings: tuple[str, ...]
    columns: tuple[str, ...]
    curve: str
    seeds: int
    variants: tuple[Variant, ...]

    def jobs(self, variant: Variant) -> list[Job]:
        """A variant's runs, by seed, each with the command that repeats it."""
        settings = [part for s in (*self.settings, *variant.settings) for part in ("--set", s)]
        made = []
        for number in range(self.seeds):
            seed = variant.experiment.seed + number
            folder = seed_folder(variant.folder, seed)
            words = ["fedaffect", "run", self.base, *settings, "--seed", str(seed)]
            made.append(
                Job(
                    experiment=variant.experiment.model_copy(update={"seed": seed}),
                    folder=folder,
                    command=shlex.join([*words, "--out", str(folder)]),
                    title=f"{variant.name} seed {seed}",
                )
            )
        return made


def line_and_point(row: str) -> tuple[str, str]:
    """`FedAvg, 5 epochs` → (`FedAvg`, `5 epochs`)."""
    line, _, point = row.rpartition(", ")
    return line, point


def load_all(
    paths: Sequence[Path], out: Path, seeds: int | None = None, data: str | None = None
) -> list[Ablation]:
    """Several files; see `load`.

    Raises:
        UserError: as `load`; or two have one name, and would write the same results.
    """
    found: dict[str, Ablation] = {}
    for path in paths:
        ablation = load(path, out, seeds, data)
        if ablation.name in found:
            raise UserError(
                f"{path}: name: another FILE is called `{ablation.name}` too; rename one"
            )
        found[ablation.name] = ablation
    return list(found.values())


def load(path: Path, out: Path, seeds: int | None = None, data: str | None = None) -> Ablation:
    """Read an ablation's file and resolve the experiment of every row.

    Args:
        out: where runs are kept, below `cache`.
        seeds, data: instead of what the file says.

    Raises:
        UserError: naming the file, and the field or the row that cannot be used.
    """
    file = validated(AblationFile, _read(path), str(path))
    base = str(path.parent / file.base) if file.base.endswith(".toml") else file.base
    common = (*file.settings, *([f"data={json.dumps(data)}"] if data is not None else []))
    variants: list[Variant] = []
    for name, settings in file.rows.items():
        try:
            experiment = resolved(Experiment.load(base, (*common, *settings)))
        except UserError as error:
            raise UserError(f"{path}: row `{name}`: {error}") from None
        folder = out / CACHE / digest(experiment)
        for other in variants:
            if other.folder == folder:
                raise UserError(
                    f"{path}: rows `{other.name}` and `{name}` are the same experiment; leave one out"
                )
        variants.append(Variant(name, tuple(settings), experiment, folder))
    return Ablation(
        name=file.name,
        title=file.title,
        base=base,
        settings=common,
        columns=tuple(file.columns),
        curve=file.curve,
        seeds=seeds or file.seeds,
        variants=tuple(variants),
    )


def digest(experiment: Experiment) -> str:
    """16 hex digits that stand for a resolved experiment, whatever its seed and its engine.

    Only what differs from a default counts, so that a setting which joins later leaves old runs known.
    """
    names = (f"model.name={experiment.model.name}", f"algorithm.name={experiment.algorithm.name}")
    default = resolved(Experiment().with_settings(names)).model_dump(mode="json")
    ours = experiment.model_dump(mode="json", exclude={"seed", "engine"})
    told = [names, _changed(ours, default)]
    trace = Path(trace_file(experiment.clients.availability) or ".")
    if trace.is_file():
        told.append(sha256_of(trace))  # what it says counts, not what it is called
    text = json.dumps(told, sort_keys=True)
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


def unfinished(ablations: Iterable[Ablation], only: Sequence[str] = ()) -> list[Job]:
    """The runs that are still to do, each once: every row's first seed, then every row's second, ...

    Args:
        only: the names of rows; empty for all.

    Raises:
        UserError: a name that no row has.
    """
    ablations = list(ablations)
    names = [variant.name for ablation in ablations for variant in ablation.variants]
    for name in only:
        if name not in names:
            raise UserError(f"--only {name}: no such row; there are: {', '.join(names)}")
    found: dict[Path, tuple[int, Job]] = {}
    for ablation in ablations:
        for variant in ablation.variants:
            if not only or variant.name in only:
                for number, job in enumerate(ablation.jobs(variant)):
                    if not (job.folder / SUMMARY).exists():
                        found.setdefault(job.folder, (number, job))
    return [job for _, job in sorted(found.values(), key=lambda pair: pair[0])]


def _read(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise UserError(
            f"{path}: no such ablation file; see ablations/README.md for what one holds"
        )
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not valid TOML: {error}") from None
