"""Features of real body signals: what they cost, and whether they are plausible.

    python benchmarks/body_signals.py [--data ../shared/data] [--neurokit VENV/bin/python]

The recordings of raw_signal_samples.npz (NeuroKit's, BioSPPy's and FLIRT's samples; nobody in them is
labelled), cut into windows that do not overlap: the share of them with a value, and quantiles of the
chief feature. What importing takes is measured in processes of their own. Writes body-signals.{md,json}.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measuring import clocked, execute, interleaved, median, options, publish

from fedaffect.features.body import Recording, Stream, Windows, describe
from fedaffect.features.body.sensors import Kind, feature_set
from fedaffect.importing.streams import magnitude

SECONDS = (10, 30)
REPEATED = 5


@dataclass(frozen=True)
class Signal:
    """A recording of the file, and the feature that shows best whether it was understood."""

    name: str
    sensor: str
    rate: float
    chief: str


SIGNALS = (
    Signal("neurokit_bio_resting_5min_100hz__ECG", "ecg", 100, "heart_rate"),
    Signal("neurokit_bio_resting_5min_100hz__PPG", "pulse", 100, "heart_rate"),
    Signal("neurokit_bio_resting_5min_100hz__RSP", "respiration", 100, "rate"),
    Signal("neurokit_bio_resting_8min_100hz__ECG", "ecg", 100, "heart_rate"),
    Signal("neurokit_bio_resting_8min_100hz__EDA", "eda", 100, "response_sum"),
    Signal("neurokit_bio_resting_8min_100hz__RSP", "respiration", 100, "rate"),
    Signal("neurokit_bio_eventrelated_100hz__EDA", "eda", 100, "response_sum"),
    Signal("neurokit_bio_eventrelated_100hz__ECG", "ecg", 100, "heart_rate"),
    Signal("biosppy_resp_1000hz", "respiration", 1000, "rate"),
    Signal("flirt_e4_EDA_4hz", "eda", 4, "mean"),
    Signal("flirt_e4_BVP_64hz", "pulse", 64, "heart_rate"),
    Signal("flirt_e4_TEMP_4hz", "temperature", 4, "mean"),
    Signal("flirt_e4_HR_1hz", "heart_rate", 1, "mean"),
    Signal("flirt_e4_ACC_32hz", "motion", 32, "mean"),
)
IMPORTS = ("numpy", "fedaffect.features.body", "pywt", "scipy.io", "scipy.signal")
COLUMNS = ["recording", "sensor", "Hz", "minutes", "feature"]
COLUMNS += [f"{s} s: told, 5 / 50 / 95 %" for s in SECONDS]
COLUMNS += ["CPU s an hour (30 s)", "wavelets"]


def main() -> None:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--neurokit", help="a Python that has neurokit2, to weigh it too")
    chosen = parser.parse_args()
    with np.load(chosen.data / "raw_signal_samples.npz", allow_pickle=False) as file:
        samples = {name: file[name] for name in file.files}
    recordings = {signal: read(signal, samples[signal.name]) for signal in SIGNALS}
    figures = {
        "signals": [measure(s, r, chosen.repeats) for s, r in recordings.items()],
        "finger against chest": agreement(recordings[SIGNALS[0]], recordings[SIGNALS[1]]),
        "imports": weigh(chosen.neurokit),
    }
    publish(
        chosen.out,
        "body-signals",
        "Features of real body signals",
        f"One thread. {sentence(figures)}",
        COLUMNS,
        [row(figure) for figure in figures["signals"]],
        figures,
    )


def read(signal: Signal, samples: np.ndarray) -> Recording:
    """The recording of one sensor."""
    flat = magnitude(samples, signal.name) if samples.ndim == 2 else samples.astype(np.float32)
    return Recording("somebody", signal.name, {signal.sensor: Stream(flat, signal.rate)})


def measure(signal: Signal, recording: Recording, repeats: int) -> dict[str, Any]:
    """All figures of one recording."""
    runs = {kind: clocked(partial(again, recording, kind)) for kind in ("sensor", "wavelet")}
    hours = REPEATED * recording.end / 3600
    taken = interleaved(runs, repeats)
    return {
        "recording": signal.name,
        "sensor": signal.sensor,
        "rate": signal.rate,
        "minutes": recording.end / 60,
        "feature": signal.chief,
        "told": {seconds: distribution(signal, recording, seconds) for seconds in SECONDS},
        "cpu_an_hour": {kind: median(times).cpu / hours for kind, times in taken.items()},
    }


def again(recording: Recording, kind: Kind) -> None:
    """The work that is measured, often enough for a clock."""
    for _ in range(REPEATED):
        describe(recording, Windows(kind=kind))


def distribution(signal: Signal, recording: Recording, seconds: int) -> dict[str, Any]:
    """The share of windows with a value, and quantiles of the chief feature over those."""
    values, present = column(recording, signal.sensor, signal.chief, seconds)
    quantiles = np.percentile(values[present], [5, 50, 95]).tolist() if present.any() else None
    return {"present": float(present.mean()), "quantiles": quantiles}


def column(recording: Recording, sensor: str, name: str, seconds: int) -> tuple[Any, Any]:
    """One feature of every window, and which windows have it."""
    described = describe(recording, Windows(seconds=seconds))
    at = feature_set(sensor).names.index(name)
    return described.features[sensor][:, at], described.present[sensor]


def agreement(chest: Recording, finger: Recording) -> dict[str, dict[str, float]]:
    """Mean and largest difference of the pulse wave from the ECG of the same person at the same time."""
    found = {}
    for seconds in (5, 10, 30, 60):
        for name in ("heart_rate", "rmssd"):
            truth, there = column(chest, "ecg", name, seconds)
            guess, also = column(finger, "pulse", name, seconds)
            apart = np.abs(guess - truth)[there & also]
            figures = {"mean": apart.mean(), "largest": apart.max(), "of": truth[there].mean()}
            found[f"{name}, {seconds} s"] = {k: float(v) for k, v in figures.items()}
    return found


def weigh(neurokit: str | None) -> dict[str, dict[str, float]]:
    """Seconds (CPU) and MiB of importing each package into a process of its own."""
    found = {}
    others = [(neurokit, "neurokit2")] if neurokit else []
    for python, package in [*((sys.executable, name) for name in IMPORTS), *others]:
        code = f"import {package}; print(open('/proc/self/status').read())"
        ran = [execute([python, "-c", code], {"OMP_NUM_THREADS": "1"}) for _ in range(3)]
        found[package] = {
            "cpu": median(ran).cpu,
            "mib": min(highest(command.output) for command in ran) / 1024,
        }
    return found


def highest(status: str) -> int:
    """KiB that a process held at most, from its status: its rusage begins with its parent's peak."""
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM:"))


def sentence(figures: dict[str, Any]) -> str:
    """What the table does not show."""
    rates = figures["finger against chest"]
    apart = ", ".join(
        f"{rates[f'heart_rate, {s} s']['mean']:.1f} ({rates[f'heart_rate, {s} s']['largest']:.1f}) at {s} s"
        for s in (5, 10, 30, 60)
    )
    weights = ", ".join(
        f"{p} {w['cpu']:.2f} s and {w['mib']:.0f} MiB" for p, w in figures["imports"].items()
    )
    return (
        f"Heart rate from the finger against the ECG of the same minutes, mean (largest) difference in beats "
        f"a minute: {apart}. Importing takes (CPU): {weights}."
    )


def row(of: dict[str, Any]) -> list[str]:
    """A line of the table."""
    cells = [
        of["recording"],
        of["sensor"],
        f"{of['rate']:g}",
        f"{of['minutes']:.1f}",
        of["feature"],
    ]
    for part in of["told"].values():
        shown = " / ".join(f"{q:.3g}" for q in part["quantiles"] or ())
        cells.append(f"{part['present']:.0%}, {shown}")
    return cells + [f"{seconds:.2f}" for seconds in of["cpu_an_hour"].values()]


if __name__ == "__main__":
    main()
