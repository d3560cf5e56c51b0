"""A small plausible run on disk, made by hand: no training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedaffect.experiment import Experiment
from fedaffect.federation.events import EventLog
from fedaffect.learning.metrics import recall_and_f1, scores

CLASSES = ("happy", "sad", "neutral")
MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """`make_run(name, ...)` writes a run's folder under `tmp_path` and returns it."""

    def make(name: str = "demo", **options: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        write_run(folder, **options)
        return folder

    return make


def write_run(
    folder: Path,
    *,
    clients: int = 4,
    rounds: int = 5,
    classes: tuple[str, ...] = CLASSES,
    modes: tuple[str, ...] = ("global", "personal"),
    settings: tuple[str, ...] = (),
    client_name: str = "client-{:02d}",
    synthetic: bool = True,
    pairing: str = "recorded",
    finished: bool = True,
    resumed_at: int | None = None,
    record: str = "clients",
    gain: float = 0.0,
    seed: int = 0,
) -> None:
    """Client 0 is never selected where there are more than two; client 1 fails in round 2."""
    random = np.random.default_rng(seed)
    experiment = Experiment().with_settings(
        (
            f"name={folder.name}",
            f"rounds.count={max(rounds, 1)}",
            f"seed={seed}",
            f"rounds.record={record}",
            *settings,
        )
    )
    labels = random.integers(0, 30, size=(clients, len(classes)))
    names = [client_name.format(i) for i in range(clients)]
    cohort = list(range(1 if clients > 2 else 0, clients))
    folder.joinpath("experiment.toml").write_text(experiment.to_toml())
    folder.joinpath("environment.json").write_text(
        json.dumps({"fedaffect": "0.1.0", "python": "3.11.7", "packages": {"numpy": "2.4.6"}})
    )
    log = EventLog(folder / "events.jsonl", record=record)
    log.append(
        "run_started",
        run=folder.name,
        experiment=experiment.model_dump(),
        command=f"fedaffect run {folder.name} --out runs/{folder.name}",
        corpus={
            "name": "embedded",
            "classes": list(classes),
            "modalities": {"text": [16], "audio": [8], "visual": [12]},
            "synthetic": synthetic,
            "sha256": "ab" * 32,
            "pairing": pairing,
            "conversations": {"train": 80, "dev": 10, "test": 20},
            "utterances": {"train": 1600, "dev": 200, "test": 400},
        },
        clients=[
            {
                "name": n,
                "conversations": 4,
                "volume": int(row.sum()),
                "labels": [int(i) for i in row],
            }
            for n, row in zip(names, labels, strict=True)
        ],
        algorithm=experiment.algorithm.name,
        parameters=123_456,
        evaluations=list(modes),
        declared=[
            {"name": "model/gate", "shape": [64, 3], "dtype": "float32", "direction": "up"},
            {"name": "model/head/weight", "shape": [6, 64], "dtype": "float32", "direction": "up"},
            {"name": "model/gate", "shape": [64, 3], "dtype": "float32", "direction": "down"},
            {"name": "prototype/fused", "shape": [64], "dtype": "float32", "direction": "up"},
        ],
    )
    log.append("statistics_finished", bytes_up=100 * clients, bytes_down=50 * clients)
    for number in range(1, rounds + 1):
        if number == resumed_at:
            _round(log, number, cohort, clients, modes, random, gain=-0.5, end=False)
            log.append("resumed", round=number - 1)
        _round(log, number, cohort, clients, modes, random, gain=gain)
    if finished:
        _finish(log, names, labels, cohort, classes, modes, rounds, random, gain)
    log.close()


def _round(
    log: EventLog,
    number: int,
    cohort: list[int],
    clients: int,
    modes: tuple[str, ...],
    random: np.random.Generator,
    gain: float,
    end: bool = True,
) -> None:
    level = 0.68 - 0.45 * 0.8**number + gain
    log.append("round_started", round=number, cohort=cohort, offline=[0] if clients > 2 else [])
    for client in cohort:
        if (number, client) == (2, 1):
            log.append("client_failed", round=number, client=client, reason="late by 14 s")
            continue
        log.append(
            "client_finished",
            round=number,
            client=client,
            loss=float(2.0 * 0.9**number),
            volume=20,
            seconds=0.5,
            bytes_up=2_450_000,
            bytes_down=2_400_000,
            sent={"model": 2_400_000, "prototype": 24_000},
            scalars={"loss": 1.0, "within_class": 0.5},
        )
    if not end:
        return
    answered = len(cohort) - (number == 2 and 1 in cohort)
    measures = ("weighted_f1", "macro_f1", "accuracy", "uar")
    dev = {mode: dict.fromkeys(measures, level - 0.03 * i) for i, mode in enumerate(modes)}
    spread = random.normal(level, 0.05, clients)
    log.append(
        "round_finished",
        round=number,
        loss=float(2.0 * 0.9**number),
        updates=answered,
        seconds=1.5,
        bytes_up=2_450_000 * answered,
        bytes_down=2_400_000 * len(cohort),
        measures={"nearest_other_class": 0.1 * number},
        dev=dev,
        client_dev=[float(value) for value in spread],
        score=level,
        best=number,
    )
    log.append("checkpoint", round=number)


def _finish(
    log: EventLog,
    names: list[str],
    labels: np.ndarray,
    cohort: list[int],
    classes: tuple[str, ...],
    modes: tuple[str, ...],
    rounds: int,
    random: np.random.Generator,
    gain: float,
) -> None:
    width = len(classes)
    confusion = random.integers(0, 12, (width, width)) + np.diag(random.integers(30, 60, width))
    recall, f1 = recall_and_f1(confusion)
    found = scores(confusion)
    test = {
        "weighted_f1": found.weighted_f1 + gain,
        "macro_f1": found.macro_f1,
        "accuracy": found.accuracy,
        "uar": found.uar,
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "interval": [found.weighted_f1 - 0.04, found.weighted_f1 + 0.04],
        "calibration_error": 0.052,
    }
    weights = random.dirichlet([6.0, 10.0, 3.0], size=width)
    confidence = (np.arange(15) + 0.5) / 15
    items = np.where(np.arange(15) < 3, 0, 10 + 4 * np.arange(15))
    spread = {"sd": 0.071, "worst_tenth": 0.42}
    log.append(
        "run_finished",
        selected_round=rounds - 1,
        rounds=rounds,
        stopped="count",
        dev={
            m: {k: test[k] for k in ("weighted_f1", "macro_f1", "accuracy", "uar")} for m in modes
        },
        test={m: test | (spread if m != "global" else {}) for m in modes},
        confusion=confusion.tolist(),
        confusion_by_conversation=(
            [(confusion // 2).tolist(), (confusion - confusion // 2).tolist()]
            if modes[0] == "global"
            else None
        ),
        modality_weights=weights.tolist(),
        client_modality_weights=random.dirichlet([6.0, 10.0, 3.0], size=len(names)).tolist(),
        reliability=np.stack([items, items * confidence, items * confidence**1.2], 1).tolist(),
        clients=[
            {
                "name": name,
                "volume": int(row.sum()),
                "selected": rounds if index in cohort else 0,
                "local_weighted_f1": None if index == 1 else 0.5,
                "personal_weighted_f1": float(random.normal(0.6, 0.08)),
            }
            for index, (name, row) in enumerate(zip(names, labels, strict=True))
        ],
        never_selected=[name for index, name in enumerate(names) if index not in cohort],
        stability={"sd_last_5": 0.012, "largest_drop": 0.03, "rounds_to_within_1_point": 4},
        bytes_up=2_450_000 * (len(cohort) * rounds - 1) + 100 * len(names),
        bytes_down=2_400_000 * len(cohort) * rounds + 50 * len(names),
        timing={"seconds": 75.0, "host": "a-host"},
    )
