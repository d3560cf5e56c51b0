"""Feature statistics and label frequencies over all clients, from sums alone."""

import numpy as np

from fedaffect.federation.algorithms.base import State
from fedaffect.federation.messages.request import Request
from fedaffect.federation.server.checkpoints import RunState
from fedaffect.federation.server.server import Server, Traffic
from fedaffect.federation.stages.statistics import NAME, takes_features, takes_labels

CONSTANT = 1e-6
"""A column whose deviation is below this is not scaled."""


def gather(server: Server, run_state: RunState) -> State:
    """`features/NAME/{mean, scale}` float32 and `statistics/...`; empty where none is asked for."""
    if not takes_features(server.experiment) and not takes_labels(server.experiment):
        return {}
    requests = [Request(NAME, i, 0, {}) for i in range(len(server.participants))]
    traffic = Traffic()
    replies = server.exchange(NAME, requests, traffic)
    updates = (reply.update for reply in replies if reply.update)
    means = server.algorithm.aggregator.reduce(updates).tensors
    run_state.bytes_up += traffic.up
    run_state.bytes_down += traffic.down
    server.log.append("statistics_finished", bytes_up=traffic.up, bytes_down=traffic.down)
    state: State = {n: a for n, a in means.items() if n.startswith("statistics/")}
    for name in server.context.modalities:
        if f"features/{name}/mean" in means:
            mean = means[f"features/{name}/mean"]
            scale = np.sqrt(np.maximum(means[f"features/{name}/mean_square"] - mean**2, 0.0))
            scale = np.where(scale < CONSTANT, 1.0, scale)
            state[f"features/{name}/mean"] = mean.astype(np.float32)
            state[f"features/{name}/scale"] = scale.astype(np.float32)
    return state
