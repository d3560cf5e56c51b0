"""WESAD's wrist windows, as the study of forests reads them."""

import csv
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.features.body.baseline import Baseline

DATA = Path(__file__).parents[3] / "shared" / "data"
STRESS = 2  # amusement, baseline, stress
FIRST = 10
"""Windows of the first five minutes."""
Rows = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Windows:
    """float32 [n, columns], labels and subjects int64 [n]; of declared traits bool [n] each."""

    rows: Rows
    label: npt.NDArray[np.int64]
    subject: npt.NDArray[np.int64]
    declared: dict[str, Flags]

    @property
    def people(self) -> npt.NDArray[np.int64]:
        return np.unique(self.subject)

    @property
    def first(self) -> Flags:
        """Which windows are of a subject's first five minutes."""
        found = np.zeros(len(self.label), bool)
        for person in self.people:
            found[np.flatnonzero(self.subject == person)[:FIRST]] = True
        return found

    def relative(self) -> "Windows":
        """Every subject relative to its first five minutes, whatever its condition was."""
        rows = np.empty_like(self.rows)
        for person in self.people:
            own = self.subject == person
            rest = Baseline.of(self.rows[own & self.first].astype(np.float64))
            assert rest is not None
            rows[own] = rest.relative(self.rows[own])
        return replace(self, rows=rows)

    def of_stress(self) -> "Windows":
        """The same windows with two classes: stress or not."""
        return replace(self, label=(self.label == STRESS).astype(np.int64))

    def only(self, chosen: Flags) -> "Windows":
        declared = {name: flags[chosen] for name, flags in self.declared.items()}
        return Windows(self.rows[chosen], self.label[chosen], self.subject[chosen], declared)

    def by_person(self) -> Iterator["Windows"]:
        for person in self.people:
            yield self.only(self.subject == person)

    def scaled_for(self, others: "Windows") -> tuple["Windows", "Windows"]:
        """These windows with columns of mean 0 and variance 1, and others scaled alike."""
        wide = self.rows.astype(np.float64)
        mean, scale = wide.mean(axis=0), wide.std(axis=0)
        scale = np.where(scale < 1e-6, 1.0, scale)
        own, theirs = (
            replace(w, rows=((w.rows - mean) / scale).astype(np.float32)) for w in (self, others)
        )
        return own, theirs


def wesad_file() -> Path:
    """The file, in $FEDAFFECT_DATA or beside the project.

    Raises:
        SystemExit: it is not there.
    """
    path = Path(os.environ.get("FEDAFFECT_DATA", DATA)) / "wesad_wrist_30s.csv.gz"
    if not path.is_file():
        raise SystemExit(f"{path}: not there; set FEDAFFECT_DATA to the folder that holds it")
    return path


def read(path: Path, without: str | None = None) -> Windows:
    """All windows, without the accelerometer's columns and those that identify a subject.

    Args:
        without: columns whose name begins so are left out too.
    """
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    names = list(table[0])
    age = names.index("age")
    left_out = ("ACC_", "net_acc", *([without] if without else []))
    columns = [n for n in names[3:age] if not n.startswith(left_out)]
    subject = np.array([int(row["subject"]) for row in table])
    declared = {n: np.array([row[n] == "1" for row in table]) for n in names[age + 3 :]}
    for name in names[age : age + 3]:
        value = np.array([float(row[name]) for row in table])
        middle = np.median(value[np.unique(subject, return_index=True)[1]])
        declared[f"{name} above {middle:g}"] = value > middle
    return Windows(
        np.array([[float(row[n]) for n in columns] for row in table], np.float32),
        np.array([int(row["label"]) for row in table]),
        subject,
        declared,
    )
