"""One client at work, in a process that does nothing else; `client_profiles.py` starts it.

    python benchmarks/profiled_client.py PROFILE PLACE ROUNDS

PLACE holds the client's own `corpus` and, but for `full`, `backbone.onnx`. Prints what it took as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fedaffect.runs.machine import peak_memory

SCENARIO = "in-vehicle-faces"
TREES, DEPTH, COLUMNS, LEVELS = 200, 6, 24, 31
WARM_UP, DECISIONS = 200, 2000
CLASSES = ("baseline", "amusement", "stress")


def main() -> None:
    profile, place, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(PROFILES[profile](place, rounds)))


def nothing(place: Path, rounds: int) -> dict[str, Any]:
    """What every client has loaded before it has a model."""
    import fedaffect.federation.simulation

    assert fedaffect.federation.simulation
    return {"peak": peak_memory()}


def torch(place: Path, rounds: int) -> dict[str, Any]:
    """torch, imported, and nothing done with it."""
    import torch

    torch.set_num_threads(1)
    return {"peak": peak_memory()}


def learns(*settings: str) -> Callable[[Path, int], dict[str, Any]]:
    """Rounds of a client's work, its updates encoded and averaged as they would be elsewhere."""

    def work(place: Path, rounds: int) -> dict[str, Any]:
        from fedaffect.corpus import store
        from fedaffect.corpus.partition import all_in_one_client
        from fedaffect.experiment import Experiment
        from fedaffect.federation.algorithms import find
        from fedaffect.federation.client.memory import MemoryStore
        from fedaffect.federation.client.runtime import ClientRuntime
        from fedaffect.federation.messages.request import Request
        from fedaffect.federation.messages.update import Update
        from fedaffect.federation.simulation import client_variants
        from fedaffect.learning.build import build_learner

        known = [setting.replace("PLACE", str(place)) for setting in settings]
        experiment = Experiment.load(SCENARIO, known)
        corpus = store.load(place / "corpus")
        algorithm, learner = find(experiment.algorithm), build_learner(corpus, experiment)
        held = all_in_one_client(corpus)
        variants = client_variants(experiment, corpus, learner, held)
        found: dict[str, Any] = {"items": len(corpus), "rounds": []}
        with TemporaryDirectory() as kept:
            memory = MemoryStore(Path(kept))
            runtime = ClientRuntime(algorithm, variants, corpus, held, memory)
            # Of one client: the server's too.
            statistics = runtime.work(Request("statistics", 0, 0, {})).tensors
            state = {**algorithm.initial(variants[0].context), **statistics}
            for number in range(1, rounds + 1):
                wall, cpu = time.perf_counter(), time.process_time()
                sent = runtime.work(Request("fit", 0, number, state)).encode()
                took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
                aggregate = algorithm.aggregator.reduce([Update.decode(sent)])
                context = replace(variants[0].context, round=number)
                state = algorithm.server_round(state, aggregate, context)
                found["rounds"].append({**took, "peak": peak_memory(), "bytes_up": len(sent)})
        found["torch"] = "torch" in sys.modules
        return found | {"peak": peak_memory()}

    return work


def decides(place: Path, rounds: int) -> dict[str, Any]:
    """A face through the backbone, a window of body signals through a forest, and one answer of both."""
    from fedaffect.corpus import store
    from fedaffect.corpus.classes import ClassMap
    from fedaffect.corpus.pairing import FER2013_TO_WESAD
    from fedaffect.inference.backbone import Backbone
    from fedaffect.inference.calibration import softmax
    from fedaffect.inference.fusion import fuse
    from fedaffect.learning.forest.random_splits import random_trees, standard_grid

    faces = store.load(place / "corpus").features["face"]
    backbone = Backbone.read(place / "backbone.onnx")
    same = ClassMap.of(backbone.classes, CLASSES, FER2013_TO_WESAD)
    forest = random_trees(standard_grid(COLUMNS, LEVELS), TREES, DEPTH, len(CLASSES), seed=0)
    windows = np.random.default_rng(0).normal(size=(len(faces), COLUMNS)).astype(np.float32)
    there = {"body": np.ones(1, bool), "face": np.ones(1, bool)}
    taken: dict[str, list[Any]] = {"wall": [], "cpu": []}
    for number in range(WARM_UP + DECISIONS):
        row = slice(number % len(faces), number % len(faces) + 1)
        times = [_clocks()]
        _, logits = backbone.embed(faces[row])
        times.append(_clocks())
        body = forest.predict(windows[row])
        times.append(_clocks())
        said = {"body": body, "face": same.probabilities(softmax(logits))}
        fuse(said, there, rule="product", pairing="label-matched")
        times.append(_clocks())
        if number >= WARM_UP:
            for clock, at in zip(taken, zip(*times, strict=True), strict=True):
                taken[clock].append([*np.diff(at), at[-1] - at[0]])
    told = {clock: _quantiles(times) for clock, times in taken.items()}
    return {"ms": told, "peak": peak_memory(), "torch": "torch" in sys.modules}


def _clocks() -> tuple[float, float]:
    """On the wall, and of this thread alone: what others take of the processor is not in it."""
    return time.perf_counter(), time.thread_time()


def _quantiles(seconds: list[Any]) -> dict[str, dict[str, float]]:
    """Milliseconds by part."""
    p50, p99 = 1000 * np.quantile(seconds, [0.5, 0.99], axis=0)
    parts = ("face", "body", "fusion", "all")
    return {part: {"p50": p50[i], "p99": p99[i]} for i, part in enumerate(parts)}


HEAD = "model={name='head', backbone='PLACE/backbone.onnx'}"
PROFILES: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "nothing": nothing,
    "torch": torch,
    "full": learns("training.precision=float32"),
    "head": learns(HEAD),
    "prototype": learns(HEAD, "algorithm={name='fedncm'}"),
    "decision": decides,
}

if __name__ == "__main__":
    main()
