"""An epoch of SDT, in float32 and bfloat16, against its textbook formulation, and the floor of its products.

    python benchmarks/step.py [--data data/iemocap6] [--widths 256 1024] [--repeats 5] [--devices cpu]

Same corpus (train and dev conversations), same batches of 16, one thread; all take turns, and medians are
compared. The floor is what the same products alone would take: their count from the shapes, at the rate of
one product of [utterances of a batch, width] x [width, width]. Writes step.{md,json}.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from floor import finish, measured_operations, operations, product
from measuring import Seconds, clocked, interleaved, median, options, publish
from textbook import TextbookSDT
from torch import nn

from fedaffect.corpus import store
from fedaffect.corpus.batching import padded_rows, shuffled
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Training
from fedaffect.learning.label_balance import class_weights
from fedaffect.learning.torch.objectives import sdt_objective
from fedaffect.learning.torch.precision import Precision
from fedaffect.models import build
from fedaffect.models.base import DialogueBatch

BATCH = 16
FLOAT32, BFLOAT16 = Precision("float32", "measured"), Precision("bfloat16", "measured")
COLUMNS = ["on, width", "textbook, s (CPU)", "ours", "ours, bfloat16", "ratio", "ratio, bfloat16"]
COLUMNS += ["ours over the floor", "the same, bfloat16", "logits differ", "the same, bfloat16"]


def main() -> None:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--data", type=Path, default=Path("data/iemocap6"))
    parser.add_argument("--widths", type=int, nargs="+", default=[128, 256, 1024])
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    parser.add_argument("--devices", nargs="+", default=devices)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    corpus = store.load(chosen.data)
    figures = [
        compare(corpus, width, torch.device(device), chosen.repeats)
        for device in chosen.devices
        for width in chosen.widths
    ]
    publish(
        chosen.out,
        "step",
        "A training step against the textbook formulation",
        f"One thread. An epoch is {figures[0]['steps']} batches of {BATCH} conversations, "
        f"{figures[0]['utterances']} utterances; medians of {chosen.repeats} interleaved epochs."
        + ("" if torch.cuda.is_available() else " No GPU here."),
        COLUMNS,
        [row(f) for f in figures],
        figures,
    )


def compare(
    corpus: ConversationCorpus, width: int, device: torch.device, repeats: int
) -> dict[str, Any]:
    """All figures of one width on one device."""
    about: dict[str, Any] = {
        "modalities": {m.name: m.shape[0] for m in corpus.modalities.values()},
        "roles": corpus.roles,
        "classes": len(corpus.classes),
    }
    batches = [batch.to(device) for batch in epoch_of(corpus)]
    ours, ours16 = (build("sdt", {"width": width}, **about).to(device) for _ in range(2))
    theirs = TextbookSDT(TextbookSDT.Settings(width=width), **about).to(device)
    for model in (theirs, ours16):
        model.load_state_dict(ours.state_dict())
    expected = logits(theirs, batches[0], FLOAT32)
    differences = {
        "ours": (logits(ours, batches[0], FLOAT32) - expected).abs().max(),
        "bfloat16": (logits(ours16, batches[0], BFLOAT16) - expected).abs().max(),
    }
    utterances = int(sum(batch.valid.sum() for batch in batches))
    rows = utterances // len(batches)
    runs = {
        "textbook": epoch(theirs, batches, False, FLOAT32, corpus),
        "ours": epoch(ours, batches, True, FLOAT32, corpus),
        "bfloat16": epoch(ours16, batches, True, BFLOAT16, corpus),
        "product": product(rows, width, device, torch.float32),
        "product bfloat16": product(rows, width, device, torch.bfloat16),
    }
    found = interleaved({name: clocked(run) for name, run in runs.items()}, repeats)
    times = {name: median(each) for name, each in found.items()}
    work = operations(ours, batches)
    share = work / measured_operations(rows, width)
    floors = {
        "ours": times["product"].wall * share,
        "bfloat16": times["product bfloat16"].wall * share,
    }
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "width": width,
        "utterances": utterances,
        "steps": len(batches),
        "gflop": work / 1e9,
        "seconds": {n: asdict(t) for n, t in times.items() if not n.startswith("product")},
        "floor": floors,
        "ratio": {n: times["textbook"].wall / times[n].wall for n in floors},
        "ratio_cpu": {n: times["textbook"].cpu / times[n].cpu for n in floors},
        "over_floor": {n: times[n].wall / floors[n] for n in floors},
        "largest_difference": {n: float(d) for n, d in differences.items()},
    }


def epoch_of(corpus: ConversationCorpus) -> list[DialogueBatch]:
    """One epoch of train and dev, standardised, as padded batches."""
    rows_of = np.concatenate([corpus.conversations_in("train"), corpus.conversations_in("dev")])
    features = {}
    for name, array in corpus.features.items():
        values = array.astype(np.float32)
        values = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)
        features[name] = torch.from_numpy(np.concatenate([values, values[:1] * 0]))
    role = torch.from_numpy(np.append(corpus.role, corpus.roles))
    label = torch.from_numpy(np.append(np.maximum(corpus.label, 0), 0))
    batches = []
    for some in shuffled(np.sort(rows_of), BATCH, np.random.default_rng(0)):
        rows = torch.from_numpy(padded_rows(corpus, some))
        valid = rows < len(corpus)
        batches.append(
            DialogueBatch(
                features={m: x[rows] for m, x in features.items()},
                present=dict.fromkeys(features, valid),
                role=role[rows],
                valid=valid,
                label=label[rows],
                supervised=valid,
            )
        )
    return batches


def logits(model: nn.Module, batch: DialogueBatch, precision: Precision) -> torch.Tensor:
    """A model's logits for the real utterances of a batch, as `fedaffect predict` computes them."""
    model.eval()
    with torch.inference_mode(), precision.products(batch.valid.device):
        return model(batch).float().logits[batch.valid]


def epoch(
    model: nn.Module,
    batches: list[DialogueBatch],
    fused: bool,
    precision: Precision,
    corpus: ConversationCorpus,
) -> Callable[[], None]:
    """Training for an epoch, as `ConversationTrainer` does it; `fused`: by torch's fused Adam."""
    device = batches[0].valid.device
    adam = torch.optim.Adam(model.parameters(), 1e-4, fused=fused or None)
    counts = np.bincount(corpus.label[corpus.label >= 0], minlength=len(corpus.classes))
    weight = torch.from_numpy(class_weights(counts)).float().to(device)

    def run() -> None:
        model.train()
        for batch in batches:
            with precision.products(device):
                prediction = model(batch)
            loss, _ = sdt_objective(prediction.float(), batch, Training(), weight)
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
        finish(device)

    return run


def row(figures: dict[str, Any]) -> list[str]:
    """A line of the table."""
    seconds = {n: Seconds(**s) for n, s in figures["seconds"].items()}
    return [
        f"{figures['device']}, {figures['width']}",
        *(f"{t.wall:.3g} ({t.cpu:.3g})" for t in seconds.values()),
        *(f"{ratio:.2f}" for ratio in figures["ratio"].values()),
        *(f"{ratio:.2f}" for ratio in figures["over_floor"].values()),
        *(f"{d:.0e}" for d in figures["largest_difference"].values()),
    ]


if __name__ == "__main__":
    main()
