"""How long a saved model takes: a conversation, one more utterance of a conversation, a whole test part.

    python benchmarks/inference_latency.py [--data data/iemocap6] [--widths 128 256] [--repeats 5]

SDT with fresh weights, saved as a run saves it and loaded as `fedaffect predict` loads it; one thread. A
growing conversation is read anew with each utterance, as any model must that looks at all of it. The cold
start is `fedaffect predict` on a corpus of one conversation, from nothing. Writes inference.{md,json}.
"""

import sys
import tempfile
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import clocked, execute, interleaved, median, options, publish

from fedaffect.corpus import store
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Experiment
from fedaffect.learning import saved
from fedaffect.learning.tensor_file import read_tensors
from fedaffect.learning.torch.trainer import ConversationTrainer

GROWING = 8
COLUMNS = [
    "width, precision",
    "a conversation, ms: p50",
    "p95",
    "one more utterance, ms: p50",
    "p95",
]
COLUMNS += ["utterances a second, test part", "cold start, s (CPU)", "of which importing torch"]


def main() -> None:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--data", type=Path, default=Path("data/iemocap6"))
    parser.add_argument("--widths", type=int, nargs="+", default=[128, 256, 1024])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    corpus = store.load(chosen.data)
    figures = []
    for width in chosen.widths:
        for precision in dict.fromkeys(("float32", automatic(corpus, width))):
            figures.append(measure(corpus, width, precision, chosen.repeats))
    test = len(corpus.conversations_in("test"))
    publish(
        chosen.out,
        "inference",
        "Predicting with a saved model",
        f"One thread. {test} test conversations, {int(corpus.items_in('test').sum())} utterances; "
        f"{GROWING} of the conversations growing by an utterance; medians of {chosen.repeats} turns.",
        COLUMNS,
        [row(f) for f in figures],
        figures,
    )


def automatic(corpus: ConversationCorpus, width: int) -> str:
    """The precision that is chosen for this width on this machine."""
    experiment = described(corpus, width, "auto")
    return ConversationTrainer(corpus, experiment).precision.name


def described(corpus: ConversationCorpus, width: int, precision: str) -> Experiment:
    """The experiment that a saved model of this width comes from."""
    settings = [f"model.width={width}", f"training.precision={precision}"]
    return Experiment.load("iemocap-small", settings)


def measure(corpus: ConversationCorpus, width: int, precision: str, repeats: int) -> dict[str, Any]:
    """All figures of one model."""
    test = corpus.conversations_in("test")
    whole = rows_as_conversations(corpus, [corpus.rows(c) for c in test])
    chosen = [corpus.rows(c) for c in test[:: max(1, len(test) // GROWING)][:GROWING]]
    prefixes = rows_as_conversations(
        corpus, [slice(r.start, end) for r in chosen for end in range(r.start + 1, r.stop + 1)]
    )
    with tempfile.TemporaryDirectory() as folder:
        model, one = Path(folder, "run", "model"), Path(folder, "one")
        experiment = described(corpus, width, precision)
        fresh = [("model", ConversationTrainer(corpus, experiment).get())]
        saved.save(model, experiment, corpus, fresh, "")
        first = rows_as_conversations(corpus, [corpus.rows(test[0])])
        store.save(
            replace(first, split=first.split * 0), one
        )  # a corpus needs something to train on
        trainer, on_prefixes = (load(model, c) for c in (whole, prefixes))
        everything = np.arange(len(test))
        predicted = interleaved({"": clocked(partial(trainer.predict, everything))}, repeats)[""]
        return {
            "width": width,
            "precision": precision,
            "conversation": latency(trainer, len(test), repeats),
            "utterance": latency(on_prefixes, len(prefixes.conversations), repeats),
            "throughput": len(whole) / median(predicted).wall,
            "cold_start": cold_start(model.parent, one, repeats),
        }


def rows_as_conversations(corpus: ConversationCorpus, rows: list[slice]) -> ConversationCorpus:
    """A corpus in which each of these runs of rows is a conversation."""
    at = np.concatenate([np.arange(r.start, r.stop) for r in rows])
    return replace(
        corpus,
        features={m: array[at] for m, array in corpus.features.items()},
        present={m: array[at] for m, array in corpus.present.items()},
        label=corpus.label[at],
        person=corpus.person[at],
        split=corpus.split[at],
        turn=corpus.turn[at],
        role=corpus.role[at],
        conversation=np.repeat(np.arange(len(rows)), [r.stop - r.start for r in rows]),
        conversations=tuple(f"{i}" for i in range(len(rows))),
    )


def load(model: Path, corpus: ConversationCorpus) -> ConversationTrainer:
    """A saved model, ready for a corpus, as `predictor.load` makes it ready."""
    config = saved.read_config(model)
    trainer = ConversationTrainer(corpus, config.experiment, roles=config.roles)
    trainer.set(read_tensors(model / "model.safetensors", ""))
    return trainer


def latency(trainer: ConversationTrainer, conversations: int, repeats: int) -> dict[str, float]:
    """Milliseconds of predicting conversations one by one; the first turn warms up."""
    found = []
    for repeat in range(repeats + 1):
        for index in range(conversations):
            begun = time.perf_counter()
            trainer.predict(np.array([index]))
            if repeat:
                found.append(1000 * (time.perf_counter() - begun))
    return {"p50": float(np.quantile(found, 0.5)), "p95": float(np.quantile(found, 0.95))}


def cold_start(run: Path, corpus: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Seconds of `fedaffect predict` from nothing, and of importing torch, which is most of it."""
    command = [sys.executable, "-m", "fedaffect.cli.main", "predict", str(run)]
    command += ["--data", str(corpus), "--out", str(run / "predicted.csv")]
    runs = {
        "predict": partial(execute, command, {"OMP_NUM_THREADS": "1"}),
        "torch": partial(execute, [sys.executable, "-c", "import torch"]),
    }
    return {name: asdict(median(found)) for name, found in interleaved(runs, repeats).items()}


def row(of: dict[str, Any]) -> list[str]:
    """A line of the table."""
    alone, added, cold = of["conversation"], of["utterance"], of["cold_start"]
    return [
        f"{of['width']}, {of['precision']}",
        *(f"{value:.1f}" for value in (*alone.values(), *added.values())),
        f"{of['throughput']:.0f}",
        f"{cold['predict']['wall']:.2f} ({cold['predict']['cpu']:.2f})",
        f"{cold['torch']['wall']:.2f}",
    ]


if __name__ == "__main__":
    main()
