"""The pictures of a run, each from its history, as inline SVG."""

from fedaffect.record.history import History
from fedaffect.report.drawing import Drawing
from fedaffect.report.plots import clients, movement, rounds, scores


def drawings(history: History) -> dict[str, Drawing | None]:
    """By the name that the report has for each; None where the run has nothing to draw."""
    return {
        "rounds": rounds.rounds_curve(history),
        "labels": clients.labels_by_client(history),
        "clients": rounds.clients_by_rounds(history),
        "confusion": scores.confusion_matrix(history),
        "modalities": scores.modality_weights(history),
        "bytes": clients.bytes_by_kind(history),
        "reliability": scores.reliability(history),
        "drift": movement.drift(history),
        "alignment": movement.alignment(history),
        "separation": movement.separation(history),
        "weights": movement.prototype_weights(history),
    }
