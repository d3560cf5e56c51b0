"""What crossed the boundary of a client, and what that can still tell about its owner."""

from dataclasses import dataclass

from fedaffect.record.history import History
from fedaffect.report.formatting import kind_in_words

UNDISCLOSED = "No text, no audio and no video left a client: only what is listed here."
_RISKS = {
    "model": "Model weights can be made to give back parts of what they learnt from, "
    "and can tell whether somebody's words were among it.",
    "prototype": "Class prototypes are means over a client's own items: with their counts they tell "
    "which emotions it holds and how many, and where few items make a class, nearly the items.",
    "statistics": "Feature statistics are sums over a client's features: "
    "they tell its means and spreads.",
    "evaluation": "Evaluations are counts of right and wrong estimates on the shared dev and test parts; "
    "their bytes, both ways, are counted apart from those of learning.",
    "distance": "Distances to the global prototypes tell how unlike the others a client is.",
    "modality_weight": "Mean modality weights tell which of a person's signals speak.",
    "count": "Counts by class tell which emotions a client holds, and how many of each.",
}
_ALWAYS = "Losses and the number of utterances are seen by the server in the clear."
_UNRECORDED = (
    "What each client sent was not recorded (rounds.record): beside the tensors declared here, reckon with "
    "every number that the algorithm tells, such as distances and counts by class."
)


@dataclass(frozen=True)
class Crossing:
    """One declared group of names: nothing else may cross.

    Attributes:
        tensors: how many names the group has.
        shapes: distinct (shape, dtype), the first few; `more` says that there are others.
        sent: bytes that went up under it over the whole run; None where not told.
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
    # Scalars are not declared one by one; those that tell something about a client are named here.
    scalars = {n.partition("/")[0] for answers in history.answers.values() for n in answers.scalars}
    sent = (*(history.sent or ()), *sorted(scalars & {*_RISKS}))
    kinds += [kind for kind in sent if kind not in kinds]
    if not kinds and history.tells_clients:
        return ["Clients sent nothing: each learnt alone."]
    told = [
        _RISKS.get(kind, f"{kind_in_words(kind).capitalize()} may tell about a client.")
        for kind in kinds
    ]
    return [*told, *([] if history.tells_clients else [_UNRECORDED]), _ALWAYS]


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
