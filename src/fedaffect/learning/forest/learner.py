"""The learner of a client that holds a forest: items are rows of columns, whatever they are windows of."""

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
from fedaffect.learning.forest.model import Settings, as_model, grid_of, of_model, settings_of
from fedaffect.learning.learner import Fit, FitOptions, Outputs, ensure_fitting
from fedaffect.schema import ClientData, Integers, Tensors

FLOOR = 1e-6
ALGORITHMS = ("forest", "local", "centralised")
"""Those of the package that need neither a gradient nor a mean of models."""


class ForestLearner:
    """A `Learner` whose model is a forest over all vector modalities, side by side in the order of names.

    Columns are standardised where the federation has statistics. An absent modality reads as their mean.
    Items are looked at one by one; of a conversation nothing but its rows is used. A forest weighs no
    modality: all that are present count alike. Its embedding is the columns.
    """

    Settings = Settings
    settings_of = staticmethod(settings_of)

    def __init__(self, corpus: ConversationCorpus, experiment: Experiment) -> None:
        """
        Raises:
            UserError: a modality that is no vector, an algorithm that forests cannot follow, or settings
                that a forest does not have.
        """
        algorithm = experiment.algorithm.name
        if ":" not in algorithm and algorithm not in ALGORITHMS:
            raise UserError(
                f"algorithm.name: `{algorithm}`: forests have no gradient and cannot be averaged; "
                "use forest, local or centralised"
            )
        for m in corpus.modalities.values():
            if len(m.shape) != 1:
                raise UserError(f"modality `{m.name}`: a forest reads vectors, not {m.shape}")
        self.settings = settings_of(experiment)
        self._corpus = self._seen = corpus
        self._nodes = 2 ** (self.settings.depth + 1) - 1  # as many as there can be: shapes stay
        self._columns = sum(m.shape[0] for m in corpus.modalities.values())
        self._grid = grid_of(experiment, self._columns)
        self._statistics: Tensors = {}
        self._forest = self._undecided()

    @property
    def embedding_dim(self) -> int:
        return self._columns

    def get(self) -> Tensors:
        return as_model(self._forest)

    def set(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        statistics = {n: a for n, a in tensors.items() if n.startswith("features/")}
        learnt = {n: a for n, a in tensors.items() if n not in statistics}
        ensure_fitting(statistics, self._corpus)
        if learnt:
            forest = of_model(learnt)
            expected = self._columns, len(self._corpus.classes)
            if (forest.columns, forest.classes) != expected:
                raise UserError(
                    f"model: a forest of {forest.columns} columns and {forest.classes} classes; here are "
                    f"{expected[0]} and {expected[1]}"
                )
            self._forest = forest
        if statistics:
            self._statistics = statistics

    @contextmanager
    def using_view(self, view: ConversationCorpus) -> Iterator[None]:
        before, self._seen = self._seen, view
        try:
            yield
        finally:
            self._seen = before

    def table(self, item: Integers) -> tuple[npt.NDArray[np.float32], Integers]:
        """What a forest learns from, of rows of the corpus: float32 [n, columns] and labels int64 [n]."""
        parts = []
        for name, array in self._corpus.features.items():
            values = array[item].astype(np.float32)
            if f"features/{name}/mean" in self._statistics:
                mean, scale = (self._statistics[f"features/{name}/{p}"] for p in ("mean", "scale"))
                values = ((values - mean) / scale).astype(np.float32)
            present = self._seen.present[name][item]
            parts.append(np.where(present[:, None], values, np.float32(0)))
        return np.concatenate(parts, axis=1), self._seen.label[item]

    def grown(self, item: Integers, trees: int, seed: int) -> Forest | None:
        """Trees grown on rows of the corpus; None where they are too few."""
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
        """Grow a forest on the share, from nothing; with less `work`, of fewer trees.

        Raises:
            UserError: an algorithm that needs a gradient.
        """
        demands = (options.extra_loss, options.teacher, options.correction, options.only)
        if any(demand is not None for demand in demands):
            raise UserError(
                "algorithm.name: a forest has no gradient that this could change; use forest, "
                "local or centralised"
            )
        trees = ceil(options.completed_fraction * self.settings.trees)
        found = self.grown(data.supervised, trees, options.seed)
        if found is None:
            return Fit(0.0, {}, 0)
        self._forest = padded(found, self._nodes)
        rows, label = self.table(data.supervised)
        said = found.predict(rows)[np.arange(len(label)), label]
        return Fit(float(-np.log(np.maximum(said, FLOOR)).mean()), {}, trees)

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        item = np.sort(rows_of(self._corpus, conversations))
        rows, _ = self.table(item)
        present = np.stack([self._seen.present[m][item] for m in self._corpus.features], axis=1)
        weights = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
        return Outputs(item, self._forest.predict(rows), rows, weights.astype(np.float32))

    def _undecided(self) -> Forest:
        """Trees without a split, in the shape of grown ones."""
        shape, classes = (self.settings.trees, self._nodes), len(self._corpus.classes)
        probability = np.zeros((*shape, classes), np.float32)
        probability[:, 0] = 1 / classes
        whole = np.zeros(shape, np.int16)
        return Forest(whole, np.zeros(shape, np.float32), whole, probability, self._columns)
