"""How much each class counts, so that rare ones are learnt too."""

import numpy as np
import numpy.typing as npt


def class_weights(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """1 / f_c with f_c = n_c / n, SDT's weights on IEMOCAP; a class without an item counts as with one.

    Args:
        counts: int64 [C], labelled items of each class.

    Returns:
        float64 [C], finite and positive.

    Example:
        >>> class_weights(np.array([1, 3, 0])).round(2).tolist()
        [4.0, 1.33, 4.0]
    """
    weights: npt.NDArray[np.float64] = max(int(counts.sum()), 1) / np.maximum(counts, 1)
    return weights
