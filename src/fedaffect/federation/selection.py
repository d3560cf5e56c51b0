"""Which clients take part in a round."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from fedaffect.experiment import Clients, online_probability
from fedaffect.federation.availability import Trace
from fedaffect.randomness import generator
from fedaffect.schema import Integers


@dataclass(frozen=True)
class Cohort:
    """Indices of clients, increasing."""

    chosen: tuple[int, ...]
    offline: tuple[int, ...]


def select(
    settings: Clients,
    volumes: Integers,
    seed: int,
    round_number: int,
    trace: Trace | None = None,
) -> Cohort:
    """Draw the cohort of a round; at least one client where any is online.

    Args:
        volumes: int64 [clients], supervised utterances. A client with none is never chosen.
        trace: what `settings.availability` names, where it names a file.
    """
    random = generator(seed, "selection", round_number)
    online = random.random(len(volumes)) < online_probability(settings.availability)
    if trace is not None:
        online = trace.online(round_number)
    able = np.flatnonzero(online & (volumes > 0))
    # Rounded first: 0.07 * 100 is 7.000000000000001, and seven clients.
    size = min(len(able), max(1, ceil(round(settings.fraction * len(able), 9))))
    if settings.rule == "top_volume":
        # Wang et al. 2026 §4.1: online and in the top half by volume; ties by index.
        chosen = able[np.argsort(-volumes[able], kind="stable")][:size]
    elif size == len(able):
        chosen = able
    else:
        share = volumes[able] / volumes[able].sum() if settings.rule == "volume" else None
        chosen = random.choice(able, size=size, replace=False, p=share)
    return Cohort(
        tuple(sorted(int(i) for i in chosen)), tuple(int(i) for i in np.flatnonzero(~online))
    )
