"""How figures and names are written for a person: numbers with units, evaluations in words."""

import math
from collections.abc import Callable, Sequence
from typing import Any

NOTHING = "–"
SCORE_NAMES = {
    "weighted_f1": "weighted F1",
    "macro_f1": "macro F1",
    "accuracy": "accuracy",
    "uar": "UAR",
}

EVALUATIONS = {
    "global": "the shared model on the whole test set",
    "local": "each client's own model on the whole test set, mean over clients",
    "prototype": "the nearest global prototype on the whole test set",
    "personal": "each client's model on test items of its own classes, mean over clients",
}

KINDS = {
    "model": "model weights",
    "prototype": "class prototypes",
    "statistics": "feature statistics",
    "count": "labels by class",
    "distance": "distances to the global prototypes",
    "forest": "trees of a forest",
    "variate": "control variates",
    "evaluation": "evaluations",
}


def figure(value: float | None, digits: int = 3) -> str:
    """0.6812 → `0.681`; a dash where there is no value."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    """0.02 → `+0.020`; a dash where there is no value."""
    return NOTHING if value is None else f"{value:+.3f}"


def with_spread(mean: float | None, sd: float | None, digits: int = 3) -> str:
    """0.6812, 0.01 → `0.681 ± 0.010`; without the latter where there is none."""
    return figure(mean, digits) + ("" if sd is None else f" ± {figure(sd, digits)}")


def interval(ends: Sequence[float] | None, form: Callable[[float | None], str] = figure) -> str:
    """[0.61, 0.75] → `0.610 to 0.750`; a dash where there are none."""
    return f"{form(ends[0])} to {form(ends[1])}" if ends else NOTHING


def data_size(count: float | None) -> str:
    """2 300 000 → `2.3 MB`; decimal units; a dash where it is not known."""
    if count is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def duration(seconds: float | None) -> str:
    """75 → `1 min 15 s`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 client`, `20 clients`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\u202f")


def shape(sizes: Sequence[int]) -> str:
    """[6, 128] → `6 × 128`."""
    return " × ".join(map(str, sizes)) if sizes else "scalar"


def plain(value: Any) -> str:
    """A value of a setting: `true`, `a, b`; a dash where there is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return NOTHING if value in (None, "") else str(value)


def of_summary(name: str, value: Any) -> str:
    """A value of `summary.json`, in the unit that its name implies."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return plain(value)
    if name.startswith("bytes_"):
        return data_size(value)
    if name == "seconds":
        return duration(value)
    if name == "parameters":
        return f"{value:,.0f}"
    if name in ("passes", "rounds", "stability_rounds_to_within_1_point"):
        return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return figure(value) if isinstance(value, float) else str(value)


def evaluation_in_words(mode: str) -> str:
    return EVALUATIONS.get(mode, mode)


def kind_in_words(kind: str) -> str:
    return KINDS.get(kind, kind)
