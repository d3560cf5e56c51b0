"""A contact sheet of the corruptions, and their tables for docs/in-vehicle.md.

    python -m research.in_vehicle.corruptions
    python -m research.in_vehicle.corruptions --faces FER2013.npz --out FOLDER

The first draws a face and a signal made by code, the second real faces, into a folder outside the project.
Writes corruptions.png (into docs/images by default) and prints the table of amounts; with real faces also how
much each severity changes them. Pictures of real people are never written into the project.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.corruption import CORRUPTIONS, SEVERITIES, corrupt, lost
from fedaffect.randomness import generator

ROOT = Path(__file__).resolve().parents[2]
SIDE, SEED = 48, 2
SECONDS, RATE, WINDOWS = 30, 8, 12
COLUMNS = range(SEVERITIES + 1)

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description="A contact sheet of the corruptions.")
    parser.add_argument("--faces", type=Path, help="FER2013 as .npz; default: a face made by code")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    if options.faces and options.out.resolve().is_relative_to(ROOT):
        parser.error(
            f"{options.out}: pictures of real people stay outside the project; name another"
        )
    rows = [name for name, corruption in CORRUPTIONS.items() if corruption.applies_to == "image"]
    tests = private_test_faces(options.faces) if options.faces else None
    faces = [made_face()] * len(rows) if tests is None else some_of(tests, len(rows))
    options.out.mkdir(parents=True, exist_ok=True)
    draw(dict(zip(rows, faces, strict=True)), options.out / "corruptions.png")
    print(table())
    if tests is not None:
        print("\n" + distances(tests, rows))


def made_face() -> Images:
    """uint8 [48, 48]: ellipses with light from the upper left; nobody's face."""
    scale = 8
    y, x = np.mgrid[0 : SIDE * scale, 0 : SIDE * scale] / scale + 0.5 / scale

    def ellipse(row: float, column: float, height: float, width: float) -> npt.NDArray[np.bool_]:
        inside: npt.NDArray[np.bool_] = np.hypot((y - row) / height, (x - column) / width) < 1
        return inside

    face = 105 + 0.6 * y
    face[ellipse(20, 24, 25, 23.5)] = 45  # hair
    face[(np.abs(x - 24) < 7) & (y > 44)] = 150  # neck
    skin = ellipse(25, 24, 22, 19.5) & ~ellipse(1, 26, 9, 17)
    face[skin] = (205 - 1.6 * np.abs(x - 21) - 0.7 * np.abs(y - 22))[skin]
    for side in (-1, 1):
        column = 24 + 8 * side
        face[ellipse(14, column, 1.1, 4.2) & (y < 14.2)] = 60  # brow
        face[ellipse(18, column, 2.3, 4.0)] = 235  # eye
        face[ellipse(18, column + 0.6, 2.2, 2.0)] = 40
        face[ellipse(17.2, column + 1.2, 0.7, 0.7)] = 250
        face[ellipse(33, 24 + 12.2 * side, 2.4, 1.4)] -= 18  # cheek, raised by the smile
    face[ellipse(26, 25.4, 5.5, 0.9)] -= 35  # nose
    face[ellipse(30.5, 24, 1.1, 3.2)] = 130
    smile = ellipse(33.5, 24, 6.2, 8.6) & ~ellipse(30.2, 24, 5.6, 9.5)
    face[smile] = 70
    face[smile & ellipse(34.6, 24, 2.6, 7)] = 240  # teeth
    small = face.reshape(SIDE, scale, SIDE, scale).mean(axis=(1, 3))
    return np.clip(small, 0, 255).astype(np.uint8)


def private_test_faces(file: Path) -> Images:
    """uint8 [n, 48, 48]: the private test faces. The file keeps differences along both axes."""
    with np.load(file, allow_pickle=False) as data:
        delta = data["delta"][data["split"] == 2]
    pixels: Images = delta.cumsum(axis=1, dtype=np.uint8).cumsum(axis=2, dtype=np.uint8)
    return pixels


def some_of(faces: Images, count: int) -> list[Images]:
    return list(generator(SEED, "contact sheet").choice(faces, count, replace=False))


def made_signal() -> Floats:
    """float32 [240, 1], of mean 0 and deviation 1: 30 s of skin conductance with three responses, at 8 Hz."""
    time = np.arange(SECONDS * RATE) / RATE
    level = 0.02 * time
    for onset, size in ((4.0, 1.0), (12.0, 0.6), (20.0, 1.3)):
        since = np.maximum(time - onset, 0)
        level = level + size * (np.exp(-since / 4) - np.exp(-since / 0.7))
    return ((level - level.mean()) / level.std())[:, None].astype(np.float32)


def draw(faces: dict[str, Images], file: Path) -> None:
    """A row for each corruption, a column for each severity; column 0 is the original."""
    from matplotlib import pyplot as plt  # imported here: the table needs no matplotlib

    plt.switch_backend("agg")
    signals = [name for name, corruption in CORRUPTIONS.items() if corruption.applies_to != "image"]
    figure, axes = plt.subplots(
        len(faces) + len(signals),
        len(COLUMNS),
        figsize=(8.4, 1.28 * len(faces) + 0.95 * len(signals)),
        height_ratios=[1.0] * len(faces) + [0.72] * len(signals),
        gridspec_kw={
            "wspace": 0.05,
            "hspace": 0.16,
            "left": 0.16,
            "right": 0.99,
            "top": 0.96,
            "bottom": 0.01,
        },
    )
    for row, name in zip(axes, CORRUPTIONS, strict=True):
        for severity, axis in zip(COLUMNS, row, strict=True):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if name in faces:
                show_face(axis, faces[name], name, severity)
            elif name == "drop-out":
                show_windows(axis, severity)
            else:
                show_signal(axis, name, severity)
            if name == next(iter(CORRUPTIONS)):
                axis.set_title(str(severity) if severity else "as it is", fontsize=10)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10, labelpad=8)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def show_face(axis: Any, face: Images, name: str, severity: int) -> None:
    corrupted = corrupt(face[None], name, severity, seed=SEED, item=np.array([0]))[0]
    axis.imshow(corrupted, cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def show_signal(axis: Any, name: str, severity: int) -> None:
    signal = made_signal()
    corrupted = corrupt(signal[None], name, severity, seed=SEED, item=np.array([0]))[0]
    axis.plot(signal, color="#98a2b3", linewidth=0.8)
    axis.plot(corrupted, color="#1a6fd4", linewidth=0.8)
    axis.set_ylim(-6, 6)


def show_windows(axis: Any, severity: int) -> None:
    """Twelve windows of 30 s, of which some are lost."""
    gone = lost(severity, seed=SEED, item=np.arange(WINDOWS))
    signal = made_signal()[:: RATE // 2, 0]
    for window in range(WINDOWS):
        at = window + np.linspace(0.05, 0.95, len(signal))
        axis.axvspan(window + 0.04, window + 0.96, color="#eef0f3", linewidth=0)
        if not gone[window]:
            axis.plot(at, signal, color="#1a6fd4", linewidth=0.6)
    axis.set(xlim=(0, WINDOWS), ylim=(-4, 4))


def table() -> str:
    """The amount of every corruption at each severity, as Markdown."""
    lines = [cells("corruption", *"12345", "counts", "why"), cells(*["---"] * 8)]
    for name, corruption in CORRUPTIONS.items():
        amounts = [f"{amount:g}" for amount in corruption.amount]
        lines.append(cells(name, *amounts, corruption.unit, corruption.why))
    return "\n".join(lines)


def distances(faces: Images, names: list[str]) -> str:
    """Root mean square change of the pixels at each severity, mean over faces, as Markdown."""
    lines = [cells("corruption", *"12345"), cells(*["---"] * 6)]
    for name in names:
        found = []
        for severity in COLUMNS[1:]:
            corrupted = corrupt(faces, name, severity, seed=SEED, item=np.arange(len(faces)))
            squared = (corrupted.astype(np.float32) - faces) ** 2
            found.append(f"{np.sqrt(squared.mean(axis=(1, 2))).mean():.0f}")
        lines.append(cells(name, *found))
    return "\n".join(lines)


def cells(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


if __name__ == "__main__":
    main()
