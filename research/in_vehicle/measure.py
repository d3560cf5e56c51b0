"""Faces and body signals fused at decision level, centralised and federated, whole and spoilt.

    python benchmarks/in_vehicle.py --centralised RUN --federated RUN [--augmented RUN] [--seeds 10]

RUN is the folder of a finished face run on FER2013 (`fedaffect run in-vehicle-faces --data data/fer2013`);
body signals are WESAD's wrist windows from ../shared/data or $FEDAFFECT_DATA. Faces and windows are paired by
label, anew with each seed, which also decides whose windows are for training, dev and test. What the runs
say of faces is kept below --cache, so that an interrupted benchmark goes on where it was. Writes
in-vehicle.md, four tables (CSV) and four pictures.
"""

import argparse
from pathlib import Path

import in_vehicle_page
from in_vehicle_faces import FaceRun, faces_of
from in_vehicle_fusing import Result, Side, Weighed
from in_vehicle_pairs import Pairing
from in_vehicle_spoilt import AUGMENTED, PLAIN, Spoilt, seven_classes, spoilt
from wesad_methods import Method, bagging, pooled, private
from wesad_windows import place, read


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--centralised", type=Path, required=True, help="a finished face run")
    options.add_argument("--federated", type=Path, required=True, help="a finished face run")
    options.add_argument("--augmented", type=Path, help="like --federated, trained on spoilt faces")
    options.add_argument("--data", default="data/fer2013", help="the corpus of faces")
    options.add_argument("--cache", type=Path, default=Path("runs/in-vehicle"))
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--out", type=Path, default=Path("docs/results"))
    chosen = options.parse_args()
    faces, windows = faces_of(chosen.data), read(place())
    runs = {
        name: FaceRun(name, folder, faces, chosen.cache)
        for name, folder in vars(chosen).items()
        if name in ("centralised", "federated", "augmented") and folder
    }
    sides: dict[str, tuple[FaceRun, Method]] = {
        "centralised": (runs["centralised"], pooled),
        "federated, `private` forest": (runs["federated"], private),
        "federated, `bagging` forest": (runs["federated"], bagging),
    }
    trained = {PLAIN: runs["federated"]}
    if AUGMENTED in runs:
        trained[AUGMENTED] = runs[AUGMENTED]
    results, weighed, left = list[Result](), list[Weighed](), list[Spoilt]()
    for seed in range(chosen.seeds):
        print(f"seed {seed}", flush=True)
        pairing = Pairing.of(faces, windows, seed)
        for learnt, (face, method) in sides.items():
            side = Side.of(learnt, pairing, face, method)
            results += side.results()
            weighed += side.weighed()
        for training, face in trained.items():
            left += spoilt(pairing, training, face, private)
    alone = [one for training, face in trained.items() for one in seven_classes(training, face)]
    about = {name: run.about for name, run in runs.items()}
    in_vehicle_page.write(chosen.out, results, weighed, left, alone, about)


if __name__ == "__main__":
    main()
