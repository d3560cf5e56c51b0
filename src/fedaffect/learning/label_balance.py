"""How learning makes up for the labels that a client happens to have."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedaffect.experiment import Training

Floats = npt.NDArray[np.float64]

LEAST_FREQUENCY = 1e-5
"""What a class without an item counts as: where it is a tenth with everybody, its logit is shifted by -9."""


@dataclass(frozen=True)
class LabelBalance:
    """What each class counts, and what is added to its logits while learning.

    Attributes:
        weight: float64 [C], positive.
        shift: float64 [C].
    """

    weight: Floats
    shift: Floats

    @classmethod
    def of(
        cls, training: Training, counts: npt.NDArray[np.int64], everybody: Floats | None = None
    ) -> "LabelBalance":
        """As `training.class_weights` and `training.logit_adjustment` ask.

        A logit that is shifted by log f_c while learning need not itself say how frequent a class is
        (Menon et al. 2021, eq. 10; between clients Zhang et al. 2022, "Federated Learning with Label
        Distribution Skew via Logits Calibration"). Shifted by log(f_c / g_c), it says how frequent the class
        is with everybody: posteriors of populations that differ in their labels alone differ by just that.

        That is so where every label counts alike: weights of 1 / f_c alone make classes equally frequent, and
        with a shift as well the mixture would be turned round; an experiment refuses both at once.

        Args:
            counts: int64 [C], a client's own labelled items of each class.
            everybody: g, float64 [C], how frequent each class is with all clients; None = as here.
        """
        own = counts / max(int(counts.sum()), 1)
        everybody = own if everybody is None else everybody
        one = np.ones(len(counts))
        weight = {
            "none": one,
            "local": class_weights(counts),
            "federated": np.divide(1.0, everybody, out=one.copy(), where=everybody > 0),
        }
        target = {"none": own, "local": one, "federated": everybody}
        shift = _log(own) - _log(target[training.logit_adjustment])
        return cls(weight[training.class_weights], shift)


def class_weights(counts: npt.NDArray[np.int64]) -> Floats:
    """1 / f_c with f_c = n_c / n, SDT's weights on IEMOCAP; a class without an item counts as with one.

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
    found: Floats = np.log(np.maximum(frequency, LEAST_FREQUENCY))
    return found
