"""The pictures of a run, each from its history, as inline SVG."""

from fedaffect.report.plots.clients import bytes_by_kind, labels_by_client
from fedaffect.report.plots.movement import alignment, drift, prototype_weights, separation
from fedaffect.report.plots.rounds import clients_by_rounds, rounds_curve
from fedaffect.report.plots.scores import (
    calibration,
    confusion,
    confusion_matrix,
    modality_weights,
    reliability,
)

__all__ = [
    "alignment",
    "bytes_by_kind",
    "calibration",
    "clients_by_rounds",
    "confusion",
    "confusion_matrix",
    "drift",
    "labels_by_client",
    "modality_weights",
    "prototype_weights",
    "reliability",
    "rounds_curve",
    "separation",
]
