"""A training step and an epoch of SDT against its textbook formulation, in one run.

    python benchmarks/step.py [--data data/iemocap6] [--widths 256 1024] [--repeats 5]

Same corpus (train and dev conversations), same batches of 16, one thread; the two take turns, and medians of
CPU and wall time are compared. Predictions must agree. Writes docs/results/step.{md,json}.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from textbook import TextbookSDT

from fedaffect.corpus import store
from fedaffect.corpus.batching import padded_rows, shuffled
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Training
from fedaffect.learning.objectives import class_weights, sdt_objective
from fedaffect.models import build
from fedaffect.models.batch import DialogueBatch

BATCH = 16


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, default=Path("data/iemocap6"))
    options.add_argument("--widths", type=int, nargs="+", default=[128, 256, 1024])
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--out", type=Path, default=Path("docs/results"))
    chosen = options.parse_args()
    torch.set_num_threads(1)
    corpus = store.load(chosen.data)
    batches = epoch_of(corpus)
    rows = [compare(corpus, batches, width, chosen.repeats) for width in chosen.widths]
    write(rows, chosen.out)


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


def compare(
    corpus: ConversationCorpus, batches: list[DialogueBatch], width: int, repeats: int
) -> dict[str, float]:
    sizes = {m.name: m.shape[0] for m in corpus.modalities.values()}
    classes = len(corpus.classes)
    ours = build("sdt", {"width": width}, modalities=sizes, roles=corpus.roles, classes=classes)
    theirs = TextbookSDT(sizes, corpus.roles, classes, width)
    theirs.load_state_dict(ours.state_dict())
    with torch.inference_mode():
        ours.eval(), theirs.eval()
        valid = batches[0].valid
        difference = (ours(batches[0]).logits - theirs(batches[0]).logits)[valid].abs().max()
    runs = {
        "ours": epoch(ours, batches, torch.optim.Adam(ours.parameters(), 1e-4, fused=True), corpus),
        "textbook": epoch(theirs, batches, torch.optim.Adam(theirs.parameters(), 1e-4), corpus),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if repeat:  # the first warms up
                times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    median = {
        f"{name}_{clock}": statistics.median(t[i] for t in times[name])
        for name in runs
        for i, clock in enumerate(("wall", "cpu"))
    }
    return {
        "width": width,
        "utterances": int(sum(b.valid.sum() for b in batches)),
        "steps": len(batches),
        **median,
        "ratio_wall": median["textbook_wall"] / median["ours_wall"],
        "ratio_cpu": median["textbook_cpu"] / median["ours_cpu"],
        "largest_difference": float(difference),
    }


def epoch(
    model: torch.nn.Module,
    batches: list[DialogueBatch],
    adam: torch.optim.Adam,
    corpus: ConversationCorpus,
) -> Callable[[], None]:
    counts = np.bincount(corpus.label[corpus.label >= 0], minlength=len(corpus.classes))
    weight = torch.from_numpy(class_weights(counts)).float()

    def run() -> None:
        model.train()
        for batch in batches:
            loss, _ = sdt_objective(model(batch), batch, Training(), weight)
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()

    return run


def write(rows: list[dict[str, float]], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    machine = {"processor": processor(), "torch": torch.__version__, "threads": 1}
    (out / "step.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")
    lines = [
        "# A training step against the textbook formulation",
        "",
        "    python benchmarks/step.py",
        "",
        f"{machine['processor']}, torch {torch.__version__}, one thread. An epoch is "
        f"{rows[0]['steps']} batches of {BATCH} conversations, {rows[0]['utterances']} utterances. "
        "Medians of interleaved epochs.",
        "",
        "| width | textbook s (CPU) | ours s (CPU) | ratio wall | ratio CPU | largest difference of logits |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['width']:.0f} | {r['textbook_wall']:.2f} ({r['textbook_cpu']:.2f}) "
        f"| {r['ours_wall']:.2f} ({r['ours_cpu']:.2f}) | {r['ratio_wall']:.2f} "
        f"| {r['ratio_cpu']:.2f} | {r['largest_difference']:.1e} |"
        for r in rows
    ]
    (out / "step.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def processor() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [n for n in info.read_text().splitlines() if n.startswith("model name")]
        if info.is_file()
        else []
    )
    return names[0].partition(":")[2].strip() if names else platform.processor()


if __name__ == "__main__":
    main()
