"""What SDT loses on the embedded corpus when one of its parts is taken away.

    python -m research.embedded_corpus.measure

trains a small SDT centrally, three seeds a row, and writes `docs/results/embedded-corpus.{md,csv}`. The
epoch is chosen on dev; test is read once.
"""

import argparse
import csv
import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import Tensor, nn

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.synthetic import synthesise
from fedaffect.experiment import Experiment
from fedaffect.federation.simulation import Simulation
from fedaffect.learning.metrics import Scores, recall_and_f1, scores
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.models.base import DialogueBatch, Prediction
from fedaffect.models.sdt import SDT

MODULE = "research.embedded_corpus.measure"
RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results" / "embedded-corpus"
SETTING = {
    "name": "embedded-corpus",
    "algorithm": {"name": "centralised"},
    "model": {"name": "sdt", "width": 64, "heads": 4, "dropout": 0.3, "fusion": "gated"},
    "training": {"batch_size": 8, "learning_rate": 1e-3, "optimiser_state": "keep"},
    "rounds": {"count": 30, "checkpoint_every": 30},
}


class WithoutContext(SDT):
    """Every utterance is a conversation of its own."""

    def forward(self, batch: DialogueBatch) -> Prediction:
        alone = _each(batch, lambda x: x.flatten(0, 1).unsqueeze(1))
        return _each(super().forward(alone), lambda x: x.view(*batch.valid.shape, *x.shape[2:]))


class WithoutCrossModal(SDT):
    """A modality reads only itself; they meet in the fusion."""

    def __init__(self, *arguments: object, **keywords: object) -> None:
        super().__init__(*arguments, **keywords)
        for reduce in self.reduce.values():
            reduce.register_forward_pre_hook(_own_only)


def _own_only(reduce: nn.Linear, inputs: tuple[Tensor]) -> Tensor:
    """What was read, [..., M d], without all but its first d: a modality reads itself first."""
    (read,) = inputs
    return read * (torch.arange(read.shape[-1]) < reduce.out_features)


def _each(record, change):
    """The same dataclass with every tensor changed, those in its dicts too."""
    new = {}
    for field in fields(record):
        value = getattr(record, field.name)
        is_dict = isinstance(value, dict)
        new[field.name] = {k: change(v) for k, v in value.items()} if is_dict else change(value)
    return replace(record, **new)


def _without_roles(corpus: ConversationCorpus) -> ConversationCorpus:
    return replace(corpus, role=np.zeros_like(corpus.role))


def _only(*modalities: str) -> Callable[[ConversationCorpus], ConversationCorpus]:
    return lambda corpus: corpus.with_modalities(modalities)


@dataclass(frozen=True)
class Row:
    """A line of the table, and what it must show: at most `most` of the full model's macro F1, or
    at least `cost` points less."""

    name: str
    change: Callable[[ConversationCorpus], ConversationCorpus] = lambda corpus: corpus
    model: str = "sdt"
    most: float | None = None
    cost: float | None = None


ROWS = (
    Row("full model"),
    Row("text alone", _only("text"), most=0.75),
    Row("audio alone", _only("audio"), most=0.75),
    Row("video alone", _only("video"), most=0.75),
    Row("without context", model=f"{MODULE}:WithoutContext", cost=0.03),
    Row(
        "without cross-modal encoders",
        model=f"{MODULE}:WithoutCrossModal",
        cost=0.03,
    ),
    Row("without roles", _without_roles, cost=0.03),
    Row("without text", _only("audio", "video")),
    Row("without audio", _only("text", "video")),
    Row("without video", _only("audio", "text")),
)


def confusion(index: int, seed: int, corpus: ConversationCorpus | None = None) -> np.ndarray:
    """[classes, classes] on test of one row's model, trained with one seed."""
    torch.set_num_threads(1)
    row = ROWS[index]
    table = SETTING | {"seed": seed, "model": SETTING["model"] | {"name": row.model}}
    experiment = Experiment.from_table(table, "benchmark")
    corpus = row.change(corpus or synthesise())
    with tempfile.TemporaryDirectory() as folder:
        learner = ConversationTrainer(corpus, experiment)
        outcome = Simulation(experiment, corpus, learner, Path(folder)).run("benchmark")
    return outcome.test.modes["global"][0].total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    arguments = parser.parse_args()
    cells = [(i, s) for i in range(len(ROWS)) for s in range(arguments.seeds)]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        found = dict(zip(cells, pool.map(confusion, *zip(*cells, strict=True)), strict=True))
    tables = [[found[i, s] for s in range(arguments.seeds)] for i in range(len(ROWS))]
    command = shlex.join(["python", "-m", MODULE, *sys.argv[1:]])
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    _write_csv(RESULTS.with_suffix(".csv"), tables)
    text = _page(command, tables)
    RESULTS.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def _write_csv(path: Path, tables: list[list[np.ndarray]]) -> None:
    classes = synthesise(conversations=(1, 1, 1)).classes
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["row", "seed", "macro_f1", "weighted_f1", *(f"f1_{c}" for c in classes)])
        for row, seeds in zip(ROWS, tables, strict=True):
            for seed, table in enumerate(seeds):
                figures = [scores(table).macro_f1, scores(table).weighted_f1]
                figures += list(recall_and_f1(table)[1])
                writer.writerow([row.name, seed, *(f"{x:.4f}" for x in figures)])


def _page(command: str, tables: list[list[np.ndarray]]) -> str:
    corpus = synthesise()
    found: list[list[Scores]] = [[scores(t) for t in seeds] for seeds in tables]
    full = float(np.mean([s.macro_f1 for s in found[0]]))
    lines = []
    for row, seeds, counted in zip(ROWS, found, tables, strict=True):
        macro = np.array([s.macro_f1 for s in seeds])
        weighted = np.mean([s.weighted_f1 for s in seeds])
        classes = np.mean([recall_and_f1(t)[1] for t in counted], axis=0)
        lines.append(
            f"| {row.name} | {macro.mean():.3f} ± {macro.std(ddof=min(1, len(macro) - 1)):.3f} "
            f"| {weighted:.3f} | {100 * (macro.mean() - full):+.1f} | {macro.mean() / full:.0%} "
            f"| {_verdict(row, float(macro.mean()), full)} "
            f"| {' | '.join(f'{c:.2f}' for c in classes)} |"
        )
    conversations = [len(corpus.conversations_in(s)) for s in ("train", "dev", "test")]
    return f"""# The embedded corpus is a test

    {command}

Synthetic conversations ({" / ".join(map(str, conversations))} for train / dev / test,
{len(corpus)} utterances; `fedaffect.corpus.synthetic`). SDT of width 64 with gated fusion, trained
centrally for {SETTING["rounds"]["count"]} epochs, the epoch chosen on dev; {len(tables[0])} seeds of
training on one corpus, mean ± standard deviation. *Must be*: a modality alone stays below 75 % of the
full model's macro F1; taking away context, cross-modal encoders or roles costs at least 3 points.

| model | macro F1 | weighted F1 | points | of full | must be | {" | ".join(corpus.classes)} |
|---|---|---|---|---|---|{"---|" * len(corpus.classes)}
{chr(10).join(lines)}

The last columns are the F1 of each class. *Without context*: every utterance is a conversation of its
own. *Without cross-modal encoders*: a modality reads only itself, and all meet in the fusion.
*Without roles*: all speakers have one role.
"""


def _verdict(row: Row, value: float, full: float) -> str:
    if row.most is not None:
        return f"< {row.most:.0%}: {'yes' if value < row.most * full else 'NO'}"
    if row.cost is not None:
        return f"≤ -{100 * row.cost:.0f}: {'yes' if value <= full - row.cost else 'NO'}"
    return ""


if __name__ == "__main__":
    main()
