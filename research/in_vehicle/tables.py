"""The tables of docs/results/in-vehicle.md."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fedaffect.report.formatting import NOTHING, figure, signed, with_spread
from fedaffect.report.table import Column, Table
from research.in_vehicle.corrupted import CorruptedResult, FaceResult
from research.in_vehicle.fusion import Result
from research.in_vehicle.pairs import BODY, FACE

SHOWN = "confidence"
"""The rule shown where a modality is corrupted: of the paper's two, the one that gives probabilities."""
PAPER = {"face alone": "77", "body alone": "74", "fused": "87"}
SEVERITIES = (0, 1, 3, 5)


def rows(results: Sequence[Result]) -> Table:
    """Every row of one approach."""
    scores = ("accuracy", "balanced_accuracy", "calibration_error")
    columns = [Column("", words=True)]
    columns += [Column(name, "calibrated") for name in ("accuracy", "balanced", "ECE")]
    columns += [Column(name, "uncalibrated") for name in ("balanced", "ECE")]
    balanced = {row: _each(results, row, True, scores[1]) for row in _named(results)}
    best = max((FACE, BODY), key=lambda row: balanced[row].mean())
    lines = []
    for row, own in balanced.items():
        cells = [_spread(_each(results, row, True, score)) for score in scores]
        cells += [_spread(_each(results, row, False, score)) for score in scores[1:]]
        gains = own - balanced[best]
        gained = f"{signed(float(gains.mean()))} ({(gains > 0).sum()} of {len(gains)})"
        alone = row in (FACE, BODY)
        name = f"{row} alone" if alone else row if " " in row else f"`{row}`"
        lines.append((name, *cells, "" if alone else gained))
    return Table((*columns, Column("gain")), tuple(lines))


def beside_the_paper(results: Sequence[Result]) -> Table:
    """Accuracies in per cent, which is what the paper prints."""
    columns = (Column("accuracy, %", words=True), *map(Column, PAPER))
    lines = [("Gül et al. 2025, as printed", *PAPER.values())]
    for learnt in dict.fromkeys(r.learnt for r in results):
        own = [r for r in results if r.learnt == learnt]
        means = (100 * _each(own, row, True, "accuracy").mean() for row in (FACE, BODY, SHOWN))
        lines.append((f"here, {learnt}, label-matched pairs", *(figure(m, 1) for m in means)))
    return Table(columns, tuple(lines))


def corrupted(results: Sequence[CorruptedResult], modality: str) -> Table:
    """The modality alone and fused, by corruption and training, at some severities."""
    columns = [Column("", words=True)]
    columns += [
        Column(f"at {severity}", name)
        for name in (f"{modality} alone", "fused")
        for severity in SEVERITIES
    ]
    lines = []
    for corruption, training in dict.fromkeys((s.corruption, s.training) for s in results):
        own = [s for s in results if (s.corruption, s.training) == (corruption, training)]
        means = (
            np.mean([s.balanced_accuracy for s in own if (s.row, s.severity) == (row, severity)])
            for row in (modality, SHOWN)
            for severity in SEVERITIES
        )
        lines.append((f"{corruption}, {training}", *(figure(float(mean)) for mean in means)))
    return Table(tuple(columns), tuple(lines))


def faces(results: Sequence[FaceResult]) -> Table:
    """By corruption and training, at every severity."""
    severities = sorted({a.severity for a in results})
    columns = (Column("", words=True), *(Column(f"at {severity}") for severity in severities))
    accuracy = {(a.corruption, a.training, a.severity): a.accuracy for a in results}
    lines = (
        (
            f"{corruption}, {training}",
            *(figure(accuracy[corruption, training, s]) for s in severities),
        )
        for corruption in dict.fromkeys(a.corruption for a in results)
        for training in dict.fromkeys(a.training for a in results)
    )
    return Table(columns, tuple(lines))


def _named(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(r.row for r in results))


def _each(
    results: Sequence[Result], row: str, calibrated: bool, score: str
) -> npt.NDArray[np.float64]:
    """[seeds]; empty where a row was not computed so."""
    own = [r for r in results if (r.row, r.calibrated) == (row, calibrated)]
    return np.array([getattr(r, score) for r in sorted(own, key=lambda r: r.seed)])


def _spread(values: npt.NDArray[np.float64]) -> str:
    if not len(values):
        return NOTHING
    return with_spread(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None)
