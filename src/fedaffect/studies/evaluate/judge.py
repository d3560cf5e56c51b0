"""Models predict the items of a task, a bounded number at a time, and are compared with the labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.subsets import select_conversations
from fedaffect.learning.learner import Outputs
from fedaffect.learning.metrics import Evaluation, evaluate
from fedaffect.schema import UNLABELLED, Integers
from fedaffect.studies.evaluate.task import Task

AT_ONCE = 1024
"""Items; more only where one conversation has more."""


@dataclass(frozen=True)
class ModelEvaluation:
    """What one model predicted.

    Attributes:
        name: `model`, or whose model it is.
        evaluation: what was right and wrong of the items that count.
        outputs: all items of the part; probabilities float64 [n, common classes].
        elsewhere: items that count, for which the model's likeliest class was one that is left out.
    """

    name: str
    evaluation: Evaluation
    outputs: Outputs
    elsewhere: int


def judge(
    folder: Path,
    name: str,
    task: Task,
    device: str,
    allow_code: bool,
    on_progress: Callable[[int], None] = lambda items: None,
) -> ModelEvaluation:
    """Evaluate one member of a saved model.

    Args:
        on_progress: called with how many more items have been predicted.

    Raises:
        UserError: as `learning.predictor.load`.
    """
    from fedaffect.learning import predictor

    probabilities, weights = list[npt.NDArray[np.float32]](), list[npt.NDArray[np.float32]]()
    for conversations in blocks(task.corpus, task.conversations):
        part = select_conversations(task.corpus, conversations)
        prediction = predictor.predict(folder, part, name, device, allow_code)
        probabilities.append(prediction.probability)
        weights.append(prediction.modality_weights)
        on_progress(len(part))
    item, probability = rows_of(task.corpus, task.conversations), np.concatenate(probabilities)
    counts = task.corpus.label[item] != UNLABELLED
    of_model = task.class_mapping.of_model
    left_out = of_model.index[probability.argmax(axis=1)] == UNLABELLED
    mapped = of_model.probabilities(probability)
    nothing = np.zeros((len(item), 0), np.float32)
    outputs = Outputs(item, mapped.astype(np.float32), nothing, np.concatenate(weights))
    elsewhere = int((left_out & counts).sum())
    return ModelEvaluation(name, evaluate(task.corpus, outputs), outputs, elsewhere)


def blocks(corpus: ConversationCorpus, conversations: Integers) -> Iterator[Integers]:
    """The conversations in order, `AT_ONCE` items or fewer at a time."""
    held, size = list[int](), 0
    for index in conversations.tolist():
        rows = corpus.rows(index)
        length = rows.stop - rows.start
        if held and size + length > AT_ONCE:
            yield np.array(held)
            held, size = [], 0
        held.append(index)
        size += length
    yield np.array(held)
