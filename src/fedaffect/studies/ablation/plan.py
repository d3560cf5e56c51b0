"""An ablation: named changes against a base, each run over seeds; from its file to the runs it asks for."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from fedaffect.errors import UserError
from fedaffect.experiment import Section, validated
from fedaffect.record.files import read_toml
from fedaffect.runs.cache import Variant
from fedaffect.runs.cache import unfinished as unfinished_of
from fedaffect.runs.pool import Job


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
class Ablation:
    """All that one file asks for; the first variant is the base.

    Attributes:
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
        """A variant's runs, by seed."""
        return variant.jobs(self.seeds)

    @property
    def all_jobs(self) -> list[Job]:
        return [job for variant in self.variants for job in self.jobs(variant)]

    def own_settings(self, variant: Variant) -> tuple[str, ...]:
        """What a variant alone changes."""
        return variant.settings[len(self.settings) :]


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
    absent = "no such ablation file; see ablations/README.md for what one holds"
    file = validated(AblationFile, read_toml(path, absent), str(path))
    base = str(path.parent / file.base) if file.base.endswith(".toml") else file.base
    common = (*file.settings, *([f"data={json.dumps(data)}"] if data is not None else []))
    variants: list[Variant] = []
    for name, settings in file.rows.items():
        try:
            variant = Variant.of(name, base, (*common, *settings), out)
        except UserError as error:
            raise UserError(f"{path}: row `{name}`: {error}") from None
        for other in variants:
            if other.folder == variant.folder:
                raise UserError(
                    f"{path}: rows `{other.name}` and `{name}` are the same experiment; leave one out"
                )
        variants.append(variant)
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
    return unfinished_of(
        (variant, ablation.seeds)
        for ablation in ablations
        for variant in ablation.variants
        if not only or variant.name in only
    )
