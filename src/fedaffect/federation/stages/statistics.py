"""Before round 1: column means for standardising, and label frequencies, from sums over clients alone."""

from collections.abc import Sequence

from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms import find
from fedaffect.federation.messages.declarations import Spec
from fedaffect.schema import Modality, Schema

NAME = "statistics"
LABEL_FREQUENCY = "statistics/label_frequency"


def declared_updates(schema: Schema, experiment: Experiment) -> dict[str, Spec]:
    """The tensors that a client may send."""
    return _declared(schema, experiment, ("mean", "mean_square"), "float64")


def published(schema: Schema, experiment: Experiment) -> dict[str, Spec]:
    """The tensors that the server computes from them and sends with every request."""
    return _declared(schema, experiment, ("mean", "scale"), "float32")


def standardised(schema: Schema) -> dict[str, Modality]:
    """The modalities of which statistics are taken: all but images, whose pixels have no meaning each."""
    return {name: m for name, m in schema.modalities.items() if not m.is_image}


def takes_features(experiment: Experiment) -> bool:
    """Whether statistics of features are taken."""
    return experiment.features.standardise == "federated"


def takes_labels(experiment: Experiment) -> bool:
    """Whether clients report how frequent each class is with them: where their learning uses it."""
    return experiment.training.needs_label_frequencies and find(experiment.algorithm).balances


def _declared(
    schema: Schema, experiment: Experiment, parts: Sequence[str], dtype: str
) -> dict[str, Spec]:
    found = {}
    if takes_features(experiment):
        for name, m in standardised(schema).items():
            for part in parts:
                found[f"features/{name}/{part}"] = Spec(m.shape, dtype)
    if takes_labels(experiment):
        found[LABEL_FREQUENCY] = Spec((len(schema.classes),), "float64")
    return found
