"""A running mean of the global model over rounds: calmer than any one of them (Polyak, Juditsky 1992).

It lies beside the state, where only the server sees it: clients go on from the newest model.
"""

import numpy as np

from fedaffect.federation.algorithms.base import Algorithm, Context, State, with_prefix
from fedaffect.learning.learner import Tensors

MEAN = "server/mean/"


def averaged(state: State, before: State, keep: float) -> State:
    """The state with its running mean brought up to date.

    Args:
        before: the state of the round before, with its mean, if it had one.
        keep: how much of the mean stays; the first round's model is its own mean.
    """
    means = {}
    for name, new in with_prefix(state, "model").items():
        old = before.get(MEAN + name)
        mixed = new if old is None else keep * old + (1 - keep) * new
        means[MEAN + name] = np.asarray(mixed, new.dtype)
    return {**state, **means}


def global_model(algorithm: Algorithm, state: State, context: Context) -> Tensors:
    """What the server predicts with: the mean where there is one, or the newest model."""
    newest = algorithm.model_for(state, {}, context)
    return {name: state.get(MEAN + name, array) for name, array in newest.items()}
