"""What predicting costs: time and memory of one conversation, measured in a process of its own."""

import json
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.subsets import select_conversations
from fedaffect.errors import UserError
from fedaffect.record.files import SUMMARY, read_object, write_text
from fedaffect.runs.cache import Variant
from fedaffect.runs.execute import open_corpus
from fedaffect.runs.machine import peak_memory, processor

WARM_UP, REPEATS = 5, 50
_FILE = "cost.json"
_FIGURES = ("latency_ms", "peak_mb", "utterances", "processor")


@dataclass(frozen=True)
class Cost:
    """What one conversation of median length takes, on one thread.

    Attributes:
        latency_ms: the median of repeated predictions.
        peak_mb: the most memory that the process ever held, Python and torch included; 10^6 bytes.
        utterances: how long the conversation is.
        processor: of the machine that measured.
    """

    latency_ms: float
    peak_mb: float
    utterances: int
    processor: str


def read(variant: Variant) -> Cost | None:
    """What was measured of a variant; None where nothing was.

    Raises:
        UserError: the file is damaged.
    """
    path = variant.folder / _FILE
    if not path.is_file():
        return None
    found = read_object(path, _FIGURES, "delete it to measure again")
    return Cost(**{name: found[name] for name in _FIGURES})


def unmeasured(variants: Iterable[Variant]) -> list[Variant]:
    """Those, each once, of which the first seed has left one global model that was not measured yet."""
    by_folder = {variant.folder: variant for variant in variants}
    return [
        variant
        for variant in by_folder.values()
        if variant.evaluation == "global"
        and (_first_run(variant) / SUMMARY).is_file()
        and not (variant.folder / _FILE).is_file()
    ]


def measure(variant: Variant) -> None:
    """Measure the model of a variant's first seed, and keep what was found beside the runs.

    Raises:
        UserError: the corpus or the model cannot be used, or memory was short.
    """
    model = _first_run(variant) / "model"
    conversation = _of_median_length(variant.experiment.data)
    try:
        # Spawned, so that it holds nothing but what predicting needs.
        with ProcessPoolExecutor(1, get_context("spawn")) as alone:
            found = alone.submit(_predict_again_and_again, model, conversation).result()
    except BrokenProcessPool:
        raise UserError(
            f"{model}: the process that measured it was ended; make memory free, or add --no-latency"
        ) from None
    write_text(variant.folder / _FILE, json.dumps(asdict(found), indent=2) + "\n")


def _first_run(variant: Variant) -> Path:
    return variant.jobs(1)[0].folder


@cache
def _of_median_length(data: str) -> ConversationCorpus:
    """The test conversation of (lower) median length, alone; the first of equals."""
    corpus = open_corpus(data)
    indices = corpus.conversations_in("test")
    turns = [corpus.rows(index).stop - corpus.rows(index).start for index in indices.tolist()]
    median = np.argsort(turns, kind="stable")[(len(turns) - 1) // 2]
    return select_conversations(corpus, indices[[median]])


def _predict_again_and_again(model: Path, conversation: ConversationCorpus) -> Cost:
    from fedaffect.learning import predictor

    # The model was trained by the user's own study: the code that it names has run already.
    trainer, _ = predictor.load(model, conversation, "model", "cpu", allow_code=True)
    seconds = []
    for turn in range(WARM_UP + REPEATS):
        begun = time.perf_counter()
        trainer.predict(np.zeros(1, np.int64))
        if turn >= WARM_UP:
            seconds.append(time.perf_counter() - begun)
    return Cost(
        latency_ms=1000 * float(np.median(seconds)),
        peak_mb=peak_memory() / 1e6,
        utterances=len(conversation),
        processor=processor(),
    )
