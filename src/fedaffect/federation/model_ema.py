"""A running mean of the global model over rounds, calmer than any one of them.

A mean of the last rounds mostly, as in mean teachers (Tarvainen, Valpola 2017); over the first rounds a plain
one. It lies beside the state, where only the server sees it: clients go on from the newest model.
"""

import numpy as np

from fedaffect.federation.algorithms.base import State, with_prefix

MEAN = "server/mean/"
AVERAGED = ("model", "prototype")


def update_mean(state: State, before: State, keep: float, number: int) -> State:
    """The state with its running mean, of model and prototypes, brought up to date.

    Args:
        before: the state of the round before, with its mean, if it had one.
        keep: how much of the mean stays, at most 1 - 1 / `number`, so that no early round outweighs others.
    """
    kept = min(keep, 1 - 1 / number)
    means = {}
    for kind in AVERAGED:
        for name, new in with_prefix(state, kind).items():
            old = before.get(MEAN + name, new)
            means[MEAN + name] = np.asarray(kept * old + (1 - kept) * new, new.dtype)
    return {**state, **means}


def averaged_model(state: State) -> State:
    """What the server predicts with: the state, its means in place of what they are means of."""
    return {name: state.get(MEAN + name, array) for name, array in state.items()}
