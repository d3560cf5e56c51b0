"""What crossed the boundary of a client, and what that can still reveal about its owner."""

from dataclasses import dataclass

from fedaffect.record.history import History
from fedaffect.report.formatting import kind_in_words

UNDISCLOSED = "No text, no audio and no video left a client: only what is listed here."
_RISKS = {
    "model": "Model weights can be inverted to reconstruct parts of their training data, and can reveal "
    "whether a person's words were among them.",
    "prototype": "Class prototypes are means over a client's own items: with their counts they reveal "
    "which emotions it holds and how many, and where few items make a class, nearly the items.",
    "statistics": "Feature statistics are sums over a client's features: "
    "they reveal its means and spreads.",
    "evaluation": "Evaluations are counts of right and wrong estimates on the shared dev and test parts; "
    "their bytes, both ways, are counted apart from those of learning.",
    "distance": "Distances to the global prototypes reveal how unlike the others a client is.",
    "modality_weight": "Mean modality weights reveal which of a person's signals the model relies on.",
    "count": "Counts by class reveal which emotions a client holds, and how many of each.",
}
_ALWAYS = "The server sees losses and the number of utterances in the clear."
_UNRECORDED = (
    "What each client sent was not recorded (rounds.record): beside the tensors declared here, assume "
    "every number that the algorithm reports, such as distances and counts by class."
)


@dataclass(frozen=True)
class Crossing:
    """One declared group of names: nothing else may cross.

    Attributes:
        tensors: how many names the group has.
        shapes: distinct (shape, dtype), the first few; `more` says that there are others.
        sent: bytes that went up under it over the whole run; None where not recorded.
    """

    direction: str
    kind: str
    tensors: int
    shapes: tuple[tuple[tuple[int, ...], str], ...]
    more: bool
    sent: int | None


def crossings(history: History, at_most: int = 3) -> list[Crossing]:
    """The declared names, grouped by direction and kind; none where all data lie in one place."""
    if _is_pooled(history):
        return []
    groups: dict[tuple[str, str], list[tuple[tuple[int, ...], str]]] = {}
    for entry in history.start["declared"]:
        key = (entry["direction"], _kind(entry["name"]))
        groups.setdefault(key, []).append((tuple(entry["shape"]), entry["dtype"]))
    return [
        Crossing(
            direction,
            kind,
            len(tensors),
            tuple(dict.fromkeys(tensors))[:at_most],
            len(set(tensors)) > at_most,
            _sent(history, direction, kind),
        )
        for (direction, kind), tensors in sorted(groups.items(), reverse=True)
    ]


def warnings_about(history: History) -> list[str]:
    """What may still leak, given what went up; what a compliance officer should read first."""
    if _is_pooled(history):
        return ["This is a baseline: all data lay in one place, nothing was protected."]
    kinds = list(dict.fromkeys(c.kind for c in crossings(history) if c.direction == "up"))
    # Scalars are not declared one by one; those that reveal something about a client are named here.
    reports = history.client_reports.values()
    scalars = {name.partition("/")[0] for report in reports for name in report.scalars}
    sent = (*(history.sent or ()), *sorted(scalars & {*_RISKS}))
    kinds += [kind for kind in sent if kind not in kinds]
    if not kinds and history.records_clients:
        return ["Clients sent nothing: each trained alone."]
    risks = [
        _RISKS.get(kind, f"{kind_in_words(kind).capitalize()} may reveal something about a client.")
        for kind in kinds
    ]
    return [*risks, *([] if history.records_clients else [_UNRECORDED]), _ALWAYS]


def _sent(history: History, direction: str, kind: str) -> int | None:
    if direction != "up":
        return None
    if kind == "evaluation":
        return (history.finish or {}).get("bytes_evaluation")
    return (history.sent or {}).get(kind)


def _is_pooled(history: History) -> bool:
    return bool(history.start["algorithm"] == "centralised")


def _kind(name: str) -> str:
    """The first segment; `features/...` are statistics of features, and never features."""
    kind = name.partition("/")[0]
    return "statistics" if kind == "features" else kind
