"""How the server has its global model evaluated."""

from collections.abc import Mapping
from typing import Protocol

from fedaffect.learning.metrics import Evaluation
from fedaffect.schema import Tensors


class Evaluator(Protocol):
    """Made by the wiring, so that the server needs neither corpus nor learner."""

    def evaluate(self, state: Tensors, model: Tensors, split: str) -> Mapping[str, Evaluation]:
        """A model on `dev` or `test`: by its own head (`head`), and by nearest prototype (`prototype`).

        Args:
            state: the server's, with the feature statistics and the prototypes.
            model: `model/...`.
        """
