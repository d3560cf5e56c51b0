"""Can Table 2 of Wang et al. 2026 have been counted on one test set? Arithmetic on what is printed.

    python -m research.table_2.arithmetic

Prints the tables of docs/results/why-not-table-2.md, writes them between that page's markers, and the
figures of every row as docs/results/why-not-table-2.csv. Needs no corpus and takes a second.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

Floats = npt.NDArray[np.float64]

CLASSES = ("happy", "sad", "neutral", "angry", "excited", "frustrated")
RUNS = 10
# A cell may have been rounded to 0.01 twice, each run and then their mean: 0.005 + 0.005.
CELL = 0.01
# A mean of such cells is off by no more than one of them; the overall column by as much again.
ROUNDING = 2 * CELL

# Utterances by class, in the order of CLASSES. Test is Session 5; counted in the label file of
# declare-lab/conv-emotion (COSMIC), and again in our own corpus by tests/research/table_2/test_arithmetic.py.
OFFICIAL = "test: Session 5"
SUPPORTS: dict[str, tuple[int, ...]] = {
    OFFICIAL: (144, 245, 384, 170, 299, 381),
    "Session 5, the woman's utterances": (77, 132, 221, 78, 82, 161),
    "Session 5, the man's utterances": (67, 113, 163, 92, 217, 220),
    "training: Sessions 1-4": (504, 839, 1324, 933, 742, 1468),
    "dev: 12 conversations of COSMIC": (53, 68, 103, 102, 149, 172),
    "Sessions 1-5": (648, 1084, 1708, 1103, 1041, 1849),
    "all classes equal": (1, 1, 1, 1, 1, 1),
}


@dataclass(frozen=True)
class Row:
    """One line of a results table, in per cent.

    Attributes:
        recall: [6], what the field prints as a class's accuracy.
        f1: [6].
    """

    recall: Floats
    f1: Floats
    accuracy: float
    weighted_f1: float


def row(text: str) -> Row:
    """Fourteen numbers as printed: recall and F1 of each class, then accuracy and weighted F1."""
    numbers = np.array([float(word) for word in text.split()])
    return Row(numbers[:12:2], numbers[1:12:2], float(numbers[12]), float(numbers[13]))


# Wang et al. 2026, Table 2, as printed.
PRINTED = {
    "CMN": row(
        "23.31 20.30 56.33 61.52 52.34 51.31 60.76 60.17 57.19 61.75 72.46 62.27 54.87 56.33"
    ),
    "ICON": row(
        "26.00 32.30 66.35 72.17 56.99 58.50 68.41 66.29 70.90 68.01 75.92 65.08 62.85 62.25"
    ),
    "MMGCN": row(
        "32.64 38.63 71.65 73.89 65.10 62.81 73.53 72.43 77.93 74.42 65.19 63.63 66.61 66.25"
    ),
    "DialogueTRM": row(
        "60.21 56.85 85.40 80.45 66.27 68.56 76.47 65.99 75.15 76.16 51.39 58.09 68.52 68.20"
    ),
    "MM-DFN": row(
        "34.44 45.41 76.55 77.10 72.15 66.99 75.88 70.85 74.65 76.42 58.27 61.57 67.84 67.85"
    ),
    "MMTr": row(
        "67.64 54.67 84.49 87.77 76.14 71.66 71.59 65.04 75.24 76.26 55.91 62.29 69.77 69.91"
    ),
    "Our method": row(
        "73.81 67.12 78.81 82.94 78.63 76.22 72.98 69.96 77.79 81.18 66.14 70.68 74.95 75.08"
    ),
}

# The same models in the SDT paper (Ma et al. 2024): the control. Written down from memory, not from the
# paper, so no conclusion rests on these rows; that they pass every check is what speaks for them.
CONTROL = {
    "CMN": row(
        "24.31 30.30 56.33 62.02 52.34 52.41 61.76 60.17 56.19 60.76 72.44 61.27 56.87 56.33"
    ),
    "ICON": row(
        "25.00 31.30 67.35 73.17 55.99 58.50 69.41 66.29 70.90 67.09 71.92 65.08 62.85 62.25"
    ),
    "MMGCN": row(
        "32.64 39.66 72.65 76.89 65.10 62.81 73.53 71.43 77.93 75.40 65.09 63.43 66.61 66.25"
    ),
    "DialogueTRM": row(
        "61.11 57.89 84.90 81.25 69.27 68.56 76.47 65.99 76.25 76.16 50.39 58.09 68.52 68.20"
    ),
    "MM-DFN": row(
        "44.44 44.44 77.55 80.00 71.35 66.99 75.88 70.88 74.25 76.42 58.27 61.67 67.84 67.85"
    ),
    "SDT": row(
        "72.71 66.19 79.51 81.84 76.33 74.62 71.88 69.73 76.79 80.17 67.14 68.68 73.95 74.08"
    ),
}


def implied(printed: Row, support: Sequence[int]) -> tuple[float, float]:
    """Accuracy and weighted F1 that a row's own class columns have on a test set.

    accuracy = Σ_c n_c recall_c / N,  weighted F1 = Σ_c n_c F1_c / N. Both are linear, so they also hold
    for means over runs.

    Example:
        >>> implied(PRINTED["MMGCN"], SUPPORTS[OFFICIAL])
        (66.477..., 65.676...)
    """
    share = np.asarray(support, np.float64) / sum(support)
    return float(share @ printed.recall), float(share @ printed.f1)


def misfit(printed: Row, support: Sequence[int]) -> tuple[float, float]:
    """Implied minus printed, accuracy and weighted F1, in points."""
    accuracy, weighted_f1 = implied(printed, support)
    return accuracy - printed.accuracy, weighted_f1 - printed.weighted_f1


def answers(printed: Row, support: Sequence[int]) -> float:
    """How many answers a row gives: Σ_c n_c (2 recall_c / F1_c - 1).

    F1_c = 2 hits_c / (n_c + answers_c) and recall_c = hits_c / n_c. A model that labels every utterance
    once gives N answers. Exact for one run; for a mean over runs close, since a ratio of means is not
    the mean of ratios.
    """
    return float(np.asarray(support) @ (2 * printed.recall / printed.f1 - 1))


def impossible(printed: Row, support: Sequence[int], within: float) -> list[str]:
    """Classes whose printed recall is within `within` of no k / (10 n_c), the mean of ten runs.

    A single run's k / n_c is among these.
    """
    hits = printed.recall / 100 * RUNS * np.asarray(support)
    error = np.abs(np.round(hits) - hits) / (RUNS * np.asarray(support)) * 100
    return [name for name, e in zip(CLASSES, error, strict=True) if e > within + 1e-9]


def best_common_support(rows: Sequence[Row]) -> tuple[Floats, float]:
    """Shares of the classes that make the largest misfit of all rows as small as it can be.

    A linear programme: no supports of any test set do better.

    Returns:
        [6] shares that sum to 1, and the largest misfit that is left, in points.
    """
    columns, targets = _equations(rows)
    one = np.ones((len(targets), 1))
    found = linprog(
        np.append(np.zeros(6), 1.0),
        A_ub=np.block([[columns, -one], [-columns, -one]]),
        b_ub=np.concatenate([targets, -targets]),
        A_eq=np.append(np.ones(6), 0.0)[None],
        b_eq=[1.0],
    )
    return found.x[:6], float(found.fun)


def least_move(printed: Row, support: Sequence[int]) -> float:
    """The smallest part of a test set that must change class before the row fits it, up to rounding."""
    columns, targets = _equations([printed])
    share, unit = np.asarray(support) / sum(support), np.eye(6)
    found = linprog(
        np.append(np.zeros(6), np.full(6, 0.5)),  # half of Σ |new - old|
        A_ub=np.block(
            [
                [unit, -unit],
                [-unit, -unit],
                [columns, np.zeros_like(columns)],
                [-columns, np.zeros_like(columns)],
            ]
        ),
        b_ub=np.concatenate([share, -share, targets + ROUNDING, -targets + ROUNDING]),
        A_eq=np.append(np.ones(6), np.zeros(6))[None],
        b_eq=[1.0],
    )
    return float(found.fun)


def _equations(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Class columns [2 · rows, 6] and the overall figures [2 · rows] that they should give."""
    columns = np.stack([c for r in rows for c in (r.recall, r.f1)])
    return columns, np.array([t for r in rows for t in (r.accuracy, r.weighted_f1)])


def main() -> None:
    """Print the tables and write them."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--page", type=Path, default=Path("docs/results/why-not-table-2.md"))
    page: Path = options.parse_args().page
    made = tables()
    print("\n\n".join(made.values()))
    page.write_text(filled(page.read_text(encoding="utf-8"), made), encoding="utf-8")
    with page.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(figures())


def tables() -> dict[str, str]:
    """The page's tables by the name of their marker."""
    return {
        "rows": _markdown(_row_lines(PRINTED)),
        "moves": _markdown(_move_lines()),
        "supports": _markdown(_support_lines()),
        "common": _markdown(_common_lines()),
        "control": _markdown(_row_lines(CONTROL)),
    }


def filled(page: str, made: Mapping[str, str]) -> str:
    """The page with each table put between `<!-- NAME -->` and `<!-- end NAME -->`."""
    for name, table in made.items():
        first, last = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        if page.count(first) != 1 or page.count(last) != 1:
            raise SystemExit(f"the page must hold `{first.strip()}` and `{last}`, each once")
        before, _, rest = page.partition(first)
        page = before + first + table + "\n" + last + rest.partition(last)[2]
    return page


def figures() -> list[list[str]]:
    """Every row under every supports, for a machine."""
    lines = [["table", "row", "supports", *_FIGURES]]
    for table, rows in (("Wang et al. 2026, Table 2", PRINTED), ("control", CONTROL)):
        for name, printed in rows.items():
            for label, support in SUPPORTS.items():
                accuracy, weighted_f1 = implied(printed, support)
                numbers = (printed.accuracy, accuracy, printed.weighted_f1, weighted_f1)
                lines.append([table, name, label, *(f"{n:.3f}" for n in numbers)])
    return lines


_FIGURES = ("accuracy printed", "accuracy implied", "weighted F1 printed", "weighted F1 implied")


def _row_lines(rows: Mapping[str, Row]) -> list[list[str]]:
    support = SUPPORTS[OFFICIAL]
    total = sum(support)
    head = ["row", *_FIGURES[:2], "off by", *_FIGURES[2:], "off by", f"answers to {total:,}"]
    lines = [[*head, "recalls that no ten runs give"]]
    for name, printed in rows.items():
        accuracy, weighted_f1 = implied(printed, support)
        off = misfit(printed, support)
        never = impossible(printed, support, CELL)
        once = impossible(printed, support, CELL / 2)
        cells = [f"**{c}**" if c in never else c for c in once]
        lines.append(
            [
                name,
                f"{printed.accuracy:.2f}",
                f"{accuracy:.2f}",
                _signed(off[0], 2),
                f"{printed.weighted_f1:.2f}",
                f"{weighted_f1:.2f}",
                _signed(off[1], 2),
                _signed(answers(printed, support) - total, 0),
                ", ".join(cells) or "–",
            ]
        )
    return lines


def _move_lines() -> list[list[str]]:
    support = SUPPORTS[OFFICIAL]
    moved = {name: least_move(printed, support) for name, printed in PRINTED.items()}
    return [
        ["", *moved],
        ["part of the test set", *(f"{m:.1%}" for m in moved.values())],
        ["utterances", *(f"{m * sum(support):.0f}" for m in moved.values())],
    ]


def _support_lines() -> list[list[str]]:
    lines = [["test set", "utterances", "rows that fit", "accuracy off by", "weighted F1 off by"]]
    for label, support in SUPPORTS.items():
        off = np.abs([misfit(printed, support) for printed in PRINTED.values()])
        fit = int((off <= ROUNDING).all(axis=1).sum())
        total = f"{sum(support):,}" if sum(support) > len(CLASSES) else "–"
        spans = [f"{o.min():.2f} to {o.max():.2f}" for o in off.T]
        lines.append([label, total, f"{fit} of {len(PRINTED)}", *spans])
    return lines


def _common_lines() -> list[list[str]]:
    lines = [["rows", "largest misfit left", *CLASSES]]
    tables_ = (("Table 2, all seven", PRINTED), ("the control, all six", CONTROL))
    for label, rows in tables_:
        shares, left = best_common_support(list(rows.values()))
        lines.append([label, f"{left:.2f}", *(f"{s:.1%}" for s in shares)])
    support = SUPPORTS[OFFICIAL]
    real = [f"{n / sum(support):.1%}" for n in support]
    return [*lines, ["*the official test set*", "", *real]]


def _signed(number: float, places: int) -> str:
    # + 0.0: a rounded -0.00 is 0.00.
    return f"{round(number, places) + 0.0:+.{places}f}".replace("-", "−")


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    head, *rest = lines
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *rest])


if __name__ == "__main__":
    main()
