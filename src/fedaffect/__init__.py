"""Federated multimodal emotion recognition: the recordings stay with the people who made them."""

from fedaffect.api import compare, evaluate, import_corpus, load_corpus, predict, run
from fedaffect.experiment import Experiment
from fedaffect.version import __version__

__all__ = [
    "Experiment",
    "__version__",
    "compare",
    "evaluate",
    "import_corpus",
    "load_corpus",
    "predict",
    "run",
]
