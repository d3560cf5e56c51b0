"""docs/results/in-vehicle.md, its tables and its pictures."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fedaffect.record.drawing import INK
from fedaffect.record.files import write_text
from fedaffect.record.palette import series_colours
from fedaffect.record.picture import Picture
from fedaffect.record.sheet import Column, Sheet
from fedaffect.record.wording import NOTHING, figure, signed, with_spread

NAME = "in-vehicle"
SHOWN = "confidence"
"""The rule in pictures of spoilt items: of the paper's two, the one that gives probabilities."""
PANEL, LEGEND = 160, 36
"""Heights, in points."""
PAPER = {"face alone": "77", "body alone": "74", "fused": "87"}
Line = tuple[str, Sequence[float], Sequence[float], str, str]
"""Name, where, mean, colour, dashes."""

WORDS = """\
# In a vehicle: faces and body signals, fused

    python benchmarks/in_vehicle.py{options} --seeds {seeds}

**pairing = label-matched.** Nobody recorded these faces and these body signals together: a face of FER2013
is put beside a window of WESAD's wrist band because both carry the same label
([how](../in-vehicle.md#pairs-that-nobody-recorded)). Their errors are independent given the label by
construction, which is what fusion gains most from. **No fused figure here says how much a face adds to the
pulse of the same driver.** What may be compared is rule with rule, calibrated with not, federated with
centralised, whole with spoilt.

Three states: amusement (17 % of the windows), baseline (53 %), stress (30 %). The faces were learnt in seven
classes, and what is said of them is brought to three; the forests learn from the windows of nine people, each
a client. {seeds} seeds deal the 15 people into nine to learn from, three for dev and three for test, and pair
anew; {pairs} pairs are judged. Mean ± standard deviation over seeds, which all look at the same 15 people and
the same face models: it tells how windows and pairs vary, not how trainings do. Test faces that are in train
too, 288 of 3,589, are in no pair and no score. The face runs:

{runs}

How to read it:

- *Balanced*: mean recall of the three states, by which rows are compared; always one state would score 0.333.
- *Calibrated*: one temperature a modality, fitted on dev, which is three people. It never changes what one
  modality alone decides. ECE: expected calibration error, how sure against how often right.
- *Weighed on dev*: the product rule with the weight of the face that is best on dev.
- *Gain*: balanced accuracy, calibrated, less that of the better modality alone with the same seed; in
  brackets in how many seeds it is above 0.
- *Feature level*: logistic regression on the face's embedding beside the body's columns, learnt from the
  pairs of train, its ridge chosen on dev. The network has learnt train's faces by heart, so the regression
  trusts faces more than it should. Its Newton steps take sums over clients alone: federated it is the same.
- Nobody told the rules, but for `stacked` and *feature level*, how frequent each state is.
"""
COMPARE = """\
They do not compare, and nothing here is meant to reach them:

- **Other data.** Gül et al. measured body signals of their own, which are not published; ours are of a wrist
  band in a laboratory, of people that no forest has seen.
- **Other classes.** Here faces are brought to three states of the body, of which one is half of all.
- **Other pairs.** How a face of FER2013 and a body signal came to be one item is not told. By label, as here,
  fusion gains whatever independence gives it: of two voters right in 77 and 74 % of the cases
  [the product is right in 89 %](../in-vehicle.md#five-rules), before anybody has looked at a driver.
- **Other splits.** That no person is both in train and in test is said here and not there.
"""
ROBUST = """\
One modality is spoilt at test, the other left as it is, by the
[table of hard conditions](../in-vehicle.md#hard-conditions); the federated models (`private` forest) answer.
An item that is lost counts as wrong where the modality stands alone; fused, the other one answers.
Temperatures and the learnt rule are those of clean dev items: nobody told them. *Plain*: models that never
saw a spoilt item. *Augmented*: half of their training items were spoilt in one of the same ways, up to
severity 3; that says nothing of other kinds of trouble.
"""


def write(
    out: Path,
    found: Sequence[Any],
    alone: Sequence[tuple[str, str, int, float]],
    runs: Mapping[str, str],
) -> None:
    """
    Args:
        found: `Result`, `Weighed` and `Spoilt`.
        alone: (training, corruption, severity, accuracy) in seven classes.
        runs: by option, how a face run was trained.
    """
    out.mkdir(parents=True, exist_ok=True)
    results, weighed, spoilt = ([x for x in found if type(x).__name__ == kind]
                                for kind in ("Result", "Weighed", "Spoilt"))  # fmt: skip
    _csv(out / f"{NAME}.csv", [asdict(r) for r in results])
    _csv(out / f"{NAME}-weights.csv", [asdict(w) for w in weighed])
    _csv(out / f"{NAME}-spoilt.csv", [asdict(s) for s in spoilt])
    _csv(
        out / f"{NAME}-faces.csv",
        [
            dict(zip(("training", "corruption", "severity", "accuracy"), a, strict=True))
            for a in alone
        ],
    )
    weights_picture(weighed).save(out, f"{NAME}-weights")
    for modality in ("face", "body"):
        spoilt_picture([s for s in spoilt if s.modality == modality]).save(
            out, f"{NAME}-spoilt-{modality}"
        )
    faces_picture(alone).save(out, f"{NAME}-faces")
    write_text(out / f"{NAME}.md", page(results, spoilt, alone, runs))


def page(
    results: Sequence[Any],
    spoilt: Sequence[Any],
    alone: Sequence[tuple[str, str, int, float]],
    runs: Mapping[str, str],
) -> str:
    seeds = len({r.seed for r in results})
    pairs = sorted({r.pairs for r in results})
    counted = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    parts = [
        WORDS.format(
            options="".join(f" --{name} RUN" for name in runs),
            runs="\n".join(f"- *{name}*: {about}" for name, about in runs.items()),
            seeds=seeds,
            pairs=counted,
        )
    ]
    for learnt in dict.fromkeys(r.learnt for r in results):
        sheet = rows_sheet([r for r in results if r.learnt == learnt])
        parts += [f"## {learnt[0].upper()}{learnt[1:]}\n", *sheet.as_markdown(), ""]
    parts += ["## How much weight a face should have\n"]
    parts += [f"![Balanced accuracy against the weight of the face]({NAME}-weights.svg)\n"]
    parts += ["At 0 the body alone decides, at 1 the face. Calibrated; means over seeds.\n"]
    parts += ["## Beside the paper\n", *beside_the_paper(results).as_markdown(), "", COMPARE]
    parts += ["## Hard conditions\n", ROBUST]
    for modality in ("face", "body"):
        some = [s for s in spoilt if s.modality == modality]
        parts += [
            f"### The {modality} is spoilt\n",
            f"![Balanced accuracy by severity]({NAME}-spoilt-{modality}.svg)\n",
            f"Balanced accuracy, calibrated, means over seeds; *fused* by `{SHOWN}`.\n",
            *spoilt_sheet(some, modality).as_markdown(),
            "",
        ]
    parts += ["### Faces in their seven classes\n"]
    parts += [f"![Accuracy by severity]({NAME}-faces.svg)\n"]
    parts += ["Accuracy on FER2013's private test faces, without those that are in train too.\n"]
    parts += [*faces_sheet(alone).as_markdown(), ""]
    parts += [
        f"All figures: [rows]({NAME}.csv), [weights]({NAME}-weights.csv), "
        f"[spoilt, by every rule]({NAME}-spoilt.csv), [faces]({NAME}-faces.csv).\n"
    ]
    return "\n".join(parts)


def rows_sheet(results: Sequence[Any]) -> Sheet:
    """A row each, of one side."""
    scores = ("accuracy", "balanced_accuracy", "calibration_error")
    columns = [Column("", words=True)]
    columns += [Column(name, "calibrated") for name in ("accuracy", "balanced", "ECE")]
    columns += [Column(name, "uncalibrated") for name in ("balanced", "ECE")]
    columns += [Column("gain")]
    best = max(("face", "body"), key=lambda row: np.mean(_each(results, row, True, scores[1])))
    rows = []
    for row in dict.fromkeys(r.row for r in results):
        cells = [_spread(_each(results, row, True, score)) for score in scores]
        cells += [_spread(_each(results, row, False, score)) for score in scores[1:]]
        gains = _each(results, row, True, scores[1]) - _each(results, best, True, scores[1])
        alone = row in ("face", "body")
        told = (
            "" if alone else f"{signed(float(gains.mean()))} ({(gains > 0).sum()} of {len(gains)})"
        )
        rows.append((f"{row} alone" if alone else _code(row), *cells, told))
    return Sheet(tuple(columns), tuple(rows))


def beside_the_paper(results: Sequence[Any]) -> Sheet:
    """Accuracies in per cent, which is what the paper prints."""
    columns = (Column("accuracy, %", words=True), *map(Column, PAPER))
    rows = [("Gül et al. 2025, as printed", *PAPER.values())]
    for learnt in dict.fromkeys(r.learnt for r in results):
        own = [r for r in results if r.learnt == learnt]
        means = (100 * _each(own, row, True, "accuracy").mean() for row in ("face", "body", SHOWN))
        rows.append((f"here, {learnt}, label-matched pairs", *(figure(m, 1) for m in means)))
    return Sheet(columns, tuple(rows))


def spoilt_sheet(spoilt: Sequence[Any], modality: str) -> Sheet:
    """A corruption a line, at some severities: the modality alone, and fused."""
    trainings, severities = dict.fromkeys(s.training for s in spoilt), (0, 1, 3, 5)
    columns = [Column("", words=True)]
    columns += [
        Column(f"{severity}", f"{training}, {name}, severity")
        for training in trainings
        for name in (f"{modality} alone", "fused")
        for severity in severities
    ]
    rows = []
    for corruption in dict.fromkeys(s.corruption for s in spoilt):
        cells = (
            np.mean(
                [
                    s.balanced_accuracy
                    for s in spoilt
                    if (s.training, s.row, s.severity, s.corruption)
                    == (training, row, severity, corruption)
                ]
            )
            for training in trainings
            for row in (modality, SHOWN)
            for severity in severities
        )
        rows.append((corruption, *(figure(float(c)) for c in cells)))
    return Sheet(tuple(columns), tuple(rows))


def faces_sheet(alone: Sequence[tuple[str, str, int, float]]) -> Sheet:
    trainings = dict.fromkeys(training for training, *_ in alone)
    severities = sorted({severity for _, _, severity, _ in alone})
    found = {(t, c, s): accuracy for t, c, s, accuracy in alone}
    columns = [Column("", words=True)]
    columns += [Column(str(s), f"{t}, severity") for t in trainings for s in severities]
    rows = [
        (corruption, *(figure(found[t, corruption, s]) for t in trainings for s in severities))
        for corruption in dict.fromkeys(c for _, c, _, _ in alone)
    ]
    return Sheet(tuple(columns), tuple(rows))


def weights_picture(weighed: Sequence[Any]) -> Picture:
    kinds = list(dict.fromkeys((w.learnt, w.rule) for w in weighed))
    sides = list(dict.fromkeys(learnt for learnt, _ in kinds))
    colours = dict(zip(sides, series_colours(len(sides)), strict=True))
    lines = [
        (f"{learnt.replace('`', '')}: {rule}", *_curve(
            [(w.weight, w.balanced_accuracy) for w in weighed if (w.learnt, w.rule) == (learnt, rule)]
        ), colours[learnt], "-" if rule == "mean" else "--")
        for learnt, rule in kinds
    ]  # fmt: skip

    def paint(axes: Axes) -> None:
        _lines(axes, lines)
        axes.set(xlabel="weight of the face", ylabel="balanced accuracy", xlim=(0, 1))
        axes.legend(frameon=False, fontsize=8)

    return Picture(620, 320, paint)


def spoilt_picture(spoilt: Sequence[Any]) -> Picture:
    """A panel a corruption; colours tell the rows, dashes that models had seen spoilt items."""
    rows = dict(zip(("face", "body", SHOWN), series_colours(3), strict=True))
    names = {"face": "face alone", "body": "body alone", SHOWN: "fused"}
    dashes = dict(zip(dict.fromkeys(s.training for s in spoilt), ("-", "--"), strict=False))
    panels = {
        corruption: [
            (f"{names[row]}, {training}", *_curve([
                (s.severity, s.balanced_accuracy)
                for s in spoilt
                if (s.corruption, s.row, s.training) == (corruption, row, training)
            ]), colour, dash)
            for row, colour in rows.items()
            for training, dash in dashes.items()
        ]
        for corruption in dict.fromkeys(s.corruption for s in spoilt)
    }  # fmt: skip
    return _panels(panels, "balanced accuracy")


def faces_picture(alone: Sequence[tuple[str, str, int, float]]) -> Picture:
    trainings = list(dict.fromkeys(training for training, *_ in alone))
    colours = dict(zip(trainings, series_colours(len(trainings)), strict=True))
    panels = {
        corruption: [
            (training, *_curve([(s, a) for t, c, s, a in alone if (t, c) == (training, corruption)]),
             colours[training], "-")
            for training in trainings
        ]
        for corruption in dict.fromkeys(c for _, c, _, _ in alone)
    }  # fmt: skip
    return _panels(panels, "accuracy, seven classes")


def _panels(panels: Mapping[str, Sequence[Line]], label: str) -> Picture:
    """Small pictures with one scale, and one legend below all."""
    across = min(4, len(panels))
    down = ceil(len(panels) / across)
    height = PANEL * down + LEGEND
    means = np.concatenate([line[2] for lines in panels.values() for line in lines])
    low, high = float(means.min()) - 0.03, float(means.max()) + 0.03

    def paint(axes: Axes) -> None:
        axes.set_axis_off()
        for place, (title, lines) in enumerate(panels.items()):
            row, column = divmod(place, across)
            bottom = (height - PANEL * (row + 0.8)) / height
            where = ((column + 0.14) / across, bottom, 0.82 / across, 0.66 * PANEL / height)
            inner = axes.inset_axes(where)
            _lines(inner, lines)
            inner.set(ylim=(low, high), xticks=range(6))
            inner.tick_params(labelsize=8)
            inner.set_title(title, fontsize=9, color=INK)
            if column:
                inner.set_yticklabels([])
            else:
                inner.set_ylabel(label, fontsize=8)
            if place + across >= len(panels):
                inner.set_xlabel("severity", fontsize=8)
        for name, *_, colour, dash in next(iter(panels.values())):
            axes.plot([], [], color=colour, linestyle=dash, label=name)
        axes.legend(frameon=False, fontsize=8, loc="lower center", ncols=3, borderaxespad=0)

    return Picture(180 * across, height, paint)


def _lines(axes: Axes, lines: Sequence[Line]) -> None:
    axes.grid(axis="y")
    for name, where, mean, colour, dash in lines:
        axes.plot(where, mean, color=colour, linestyle=dash, linewidth=1.6, label=name)


def _curve(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Where, and the mean of the values there."""
    places = sorted({place for place, _ in points})
    return places, [float(np.mean([v for at, v in points if at == place])) for place in places]


def _each(results: Sequence[Any], row: str, calibrated: bool, score: str) -> Any:
    """[seeds]"""
    own = [r for r in results if (r.row, r.calibrated) == (row, calibrated)]
    return np.array([getattr(r, score) for r in sorted(own, key=lambda r: int(r.seed))])


def _spread(values: Any) -> str:
    if not len(values):
        return NOTHING
    return with_spread(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None)


def _code(row: str) -> str:
    return row if " " in row else f"`{row}`"


def _csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    rounded: Callable[[Any], Any] = lambda v: f"{v:.4f}" if isinstance(v, float) else v  # noqa: E731
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows({k: rounded(v) for k, v in row.items()} for row in rows)
