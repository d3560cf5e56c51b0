"""Randomness without a shared stream: every draw is keyed by who draws it, when, and what for.

Two processes, a resumed run and another machine therefore draw the same numbers.
"""

import hashlib

import numpy as np

Key = int | str


def seed_for(seed: int, *key: Key) -> int:
    """A 63-bit seed for the purpose that `key` names, e.g. `seed_for(0, "dropout", round, client)`."""
    text = "/".join([str(seed), *map(str, key)])
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *key: Key) -> np.random.Generator:
    """A numpy generator of its own for the purpose that `key` names."""
    return np.random.default_rng(seed_for(seed, *key))
