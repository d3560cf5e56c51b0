"""Class weights and logit adjustment: corrections for the label distribution of a client."""

from dataclasses import dataclass

import numpy as np

from fedaffect.experiment import Training
from fedaffect.schema import Floats, Integers

LEAST_FREQUENCY = 1e-5
"""Frequency of a class without items: if a tenth of all clients' items are of it, its logit shifts by -9."""


@dataclass(frozen=True)
class LabelBalance:
    """Class weights of the loss, and what is added to the logits during training.

    Attributes:
        weight: float64 [C], positive.
        shift: float64 [C].
    """

    weight: Floats
    shift: Floats

    @classmethod
    def of(
        cls,
        training: Training,
        counts: Integers,
        global_frequency: Floats | None = None,
    ) -> "LabelBalance":
        """The weights and shifts of `training.class_weights` and `training.logit_adjustment`.

        With logits shifted by log f_c during training (f: class frequencies of the client) a model learns
        posteriors for equally frequent classes (Menon et al. 2021, eq. 10; for clients Zhang et al. 2022,
        "Federated Learning with Label Distribution Skew via Logits Calibration"). With log(f_c / g_c) it
        learns them for the global frequencies g. Class weights of 1 / f_c have the effect of the first shift
        already, so an experiment with both is refused.

        Args:
            counts: int64 [C], labelled items of the client by class.
            global_frequency: g, float64 [C], over all clients; None = those of the client.
        """
        own = counts / max(int(counts.sum()), 1)
        overall = own if global_frequency is None else global_frequency
        one = np.ones(len(counts))
        weight = {
            "none": one,
            "local": class_weights(counts),
            "federated": np.divide(1.0, overall, out=one.copy(), where=overall > 0),
        }
        target = {"none": own, "local": one, "federated": overall}
        shift = _log(own) - _log(target[training.logit_adjustment])
        return cls(weight[training.class_weights], shift)


def class_weights(counts: Integers) -> Floats:
    """1 / f_c with f_c = n_c / n, SDT's weights on IEMOCAP; n_c = 1 for a class without items.

    Args:
        counts: int64 [C], labelled items of each class.

    Returns:
        float64 [C], finite and positive.

    Example:
        >>> class_weights(np.array([1, 3, 0])).round(2).tolist()
        [4.0, 1.33, 4.0]
    """
    weights: Floats = max(int(counts.sum()), 1) / np.maximum(counts, 1)
    return weights


def _log(frequency: Floats) -> Floats:
    log: Floats = np.log(np.maximum(frequency, LEAST_FREQUENCY))
    return log
