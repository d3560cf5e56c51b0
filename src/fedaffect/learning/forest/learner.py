"""The learner of a random forest over vector modalities."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.inference.forest import Forest, padded
from fedaffect.learning.forest.bagging import grow
from fedaffect.learning.forest.model import Settings, forest_of, grid_of, model_tensors, settings_of
from fedaffect.learning.learner import Fit, FitOptions, Outputs, ensure_matching_statistics
from fedaffect.schema import ClientData, Integers, Tensors

FLOOR = 1e-6
ALGORITHMS = ("forest", "local", "centralised")
"""Algorithms of this package that need neither gradients nor means of models."""


class ForestLearner:
    """A `Learner` whose model is a forest over the concatenated modalities, in the order of their names.

    Columns are standardised where there are feature statistics; an absent modality is 0. Every item is
    predicted by itself, without its conversation. Modality weights are equal; the embedding is the columns.
    """

    Settings = Settings
    settings_of = staticmethod(settings_of)

    def __init__(self, corpus: ConversationCorpus, experiment: Experiment) -> None:
        """
        Raises:
            UserError: a modality that is no vector, an algorithm that needs gradients, or settings that a
                forest does not have.
        """
        algorithm = experiment.algorithm.name
        if ":" not in algorithm and algorithm not in ALGORITHMS:
            raise UserError(
                f"algorithm.name: `{algorithm}`: forests have no gradient and cannot be averaged; "
                "use forest, local or centralised"
            )
        for m in corpus.modalities.values():
            if len(m.shape) != 1:
                raise UserError(
                    f"modality `{m.name}`: a forest reads vectors, not {m.shape}; leave it out"
                )
        self.settings = settings_of(experiment)
        self._corpus = self._view = corpus
        self._nodes = (
            2 ** (self.settings.depth + 1) - 1
        )  # the most possible, so that shapes never change
        self._columns = sum(m.shape[0] for m in corpus.modalities.values())
        self._grid = grid_of(experiment, self._columns)
        self._statistics: Tensors = {}
        self._forest = self._uniform()

    @property
    def embedding_dim(self) -> int:
        return self._columns

    def get(self) -> Tensors:
        return model_tensors(self._forest)

    def set(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        statistics = {n: a for n, a in tensors.items() if n.startswith("features/")}
        learnt = {n: a for n, a in tensors.items() if n not in statistics}
        ensure_matching_statistics(statistics, self._corpus)
        if learnt:
            forest = forest_of(learnt)
            expected = self._columns, len(self._corpus.classes)
            if (forest.columns, forest.classes) != expected:
                raise UserError(
                    f"model: a forest of {forest.columns} columns and {forest.classes} classes; use one of "
                    f"{expected[0]} and {expected[1]}"
                )
            self._forest = forest
        if statistics:
            self._statistics = statistics

    @contextmanager
    def using_view(self, view: ConversationCorpus) -> Iterator[None]:
        before, self._view = self._view, view
        try:
            yield
        finally:
            self._view = before

    def table(self, item: Integers) -> tuple[npt.NDArray[np.float32], Integers]:
        """Columns float32 [n, columns] and labels int64 [n] of rows of the corpus."""
        parts = []
        for name, array in self._corpus.features.items():
            values = array[item].astype(np.float32)
            if f"features/{name}/mean" in self._statistics:
                mean, scale = (self._statistics[f"features/{name}/{p}"] for p in ("mean", "scale"))
                values = ((values - mean) / scale).astype(np.float32)
            present = self._view.present[name][item]
            parts.append(np.where(present[:, None], values, np.float32(0)))
        return np.concatenate(parts, axis=1), self._view.label[item]

    def grown(self, item: Integers, trees: int, seed: int) -> Forest | None:
        """Trees grown on rows of the corpus; None for too few rows."""
        rows, label = self.table(item)
        settings = self.settings
        return grow(
            rows,
            label,
            len(self._corpus.classes),
            self._grid,
            trees=trees,
            depth=settings.depth,
            leaf=settings.leaf,
            seed=seed,
        )

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        """Grow a new forest on the client's data; `completed_fraction` of its trees.

        Raises:
            UserError: an algorithm that needs gradients.
        """
        gradient_options = (options.extra_loss, options.teacher, options.correction, options.only)
        if any(option is not None for option in gradient_options):
            raise UserError(
                "algorithm.name: it changes gradients, and a forest has none; use forest, local or "
                "centralised"
            )
        trees = ceil(options.completed_fraction * self.settings.trees)
        forest = self.grown(data.supervised, trees, options.seed)
        if forest is None:
            return Fit(0.0, {}, 0)
        self._forest = padded(forest, self._nodes)
        rows, label = self.table(data.supervised)
        probability = forest.predict(rows)[np.arange(len(label)), label]
        return Fit(float(-np.log(np.maximum(probability, FLOOR)).mean()), {}, trees)

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        item = np.sort(rows_of(self._corpus, conversations))
        rows, _ = self.table(item)
        present = np.stack([self._view.present[m][item] for m in self._corpus.features], axis=1)
        weights = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
        return Outputs(item, self._forest.predict(rows), rows, weights.astype(np.float32))

    def _uniform(self) -> Forest:
        """Trees without splits and with uniform leaves, in the shape of grown ones."""
        shape, classes = (self.settings.trees, self._nodes), len(self._corpus.classes)
        probability = np.zeros((*shape, classes), np.float32)
        probability[:, 0] = 1 / classes
        zeros = np.zeros(shape, np.int16)
        return Forest(zeros, np.zeros(shape, np.float32), zeros, probability, self._columns)
