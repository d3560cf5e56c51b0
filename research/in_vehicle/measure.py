"""Faces and body signals fused at decision level, centralised and federated, clean and corrupted.

    python -m research.in_vehicle.measure --centralised RUN --federated RUN [--augmented RUN] [--seeds 10]

RUN is the folder of a finished face run on FER2013 (`fedaffect run in-vehicle-faces --data data/fer2013`);
body signals are WESAD's wrist windows from ../shared/data or $FEDAFFECT_DATA. Each seed pairs faces and
windows by label anew, and decides whose windows are for training, dev and test. Outputs of the face models
are cached below --cache, so that an interrupted study resumes where it stopped. Writes in-vehicle.md, four
tables (CSV) and four pictures.
"""

import argparse
from pathlib import Path

from research.in_vehicle import page
from research.in_vehicle.corrupted import (
    AUGMENTED,
    PLAIN,
    CorruptedResult,
    corrupted_results,
    seven_classes,
)
from research.in_vehicle.faces import FaceRun, load_faces
from research.in_vehicle.fusion import Approach, Result, WeightedResult
from research.in_vehicle.pairs import Pairing
from research.wesad.methods import Method, bagging, pooled, private
from research.wesad.windows import read, wesad_file


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--centralised", type=Path, required=True, help="a finished face run")
    parser.add_argument("--federated", type=Path, required=True, help="a finished face run")
    parser.add_argument("--augmented", type=Path, help="like --federated, with corrupted faces")
    parser.add_argument("--data", default="data/fer2013", help="the corpus of faces")
    parser.add_argument("--cache", type=Path, default=Path("runs/in-vehicle"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    faces, windows = load_faces(options.data), read(wesad_file())
    runs = {
        name: FaceRun(name, folder, faces, options.cache)
        for name, folder in vars(options).items()
        if name in ("centralised", "federated", "augmented") and folder
    }
    approaches: dict[str, tuple[FaceRun, Method]] = {
        "centralised": (runs["centralised"], pooled),
        "federated, `private` forest": (runs["federated"], private),
        "federated, `bagging` forest": (runs["federated"], bagging),
    }
    trainings = {PLAIN: runs["federated"]}
    if AUGMENTED in runs:
        trainings[AUGMENTED] = runs[AUGMENTED]
    results, weighted = list[Result](), list[WeightedResult]()
    corrupted = list[CorruptedResult]()
    for seed in range(options.seeds):
        print(f"seed {seed}", flush=True)
        pairing = Pairing.of(faces, windows, seed)
        for learnt, (face, method) in approaches.items():
            approach = Approach.of(learnt, pairing, face, method)
            results += approach.results()
            weighted += approach.weighted_results()
        for training, face in trainings.items():
            corrupted += corrupted_results(pairing, training, face, private)
    of_faces = [
        one for training, face in trainings.items() for one in seven_classes(training, face)
    ]
    descriptions = {name: run.description for name, run in runs.items()}
    page.write(options.out, results, weighted, corrupted, of_faces, descriptions)


if __name__ == "__main__":
    main()
