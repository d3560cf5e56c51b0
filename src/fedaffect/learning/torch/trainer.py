"""The torch learner: one model over conversations, weights swapped in place from client to client."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fedaffect.corpus.batching import by_length, padded_rows, shuffled
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.learning.learner import DivergedError, Fit, FitOptions, Outputs, ensure_fitting
from fedaffect.learning.torch.modality_dropout import hide_modalities
from fedaffect.learning.torch.objectives import sdt_objective
from fedaffect.learning.torch.optimisers import (
    Corrected,
    Named,
    leave_untouched,
    optimiser_for,
    state_of,
)
from fedaffect.learning.torch.precision import choose
from fedaffect.models import build
from fedaffect.models.base import DialogueBatch, Prediction
from fedaffect.randomness import seed_for
from fedaffect.schema import ClientData, Integers, Tensors

Objective = Callable[[DialogueBatch, torch.Tensor], tuple[torch.Tensor, dict[str, torch.Tensor]]]
"""`(batch, item)` to the loss, a scalar, and its parts; `item` as in `ExtraLoss`."""

PREDICTION_BATCH = 16
TINY = 1e-12


class ConversationTrainer:
    """A `Learner` for models that read whole conversations.

    Every client of a process shares one trainer: `set` decides whose model it is at the moment.
    """

    def __init__(self, corpus: ConversationCorpus, experiment: Experiment, roles: int = 0) -> None:
        """Build the model from the experiment's seed and move the corpus to its device.

        Args:
            roles: how many roles the model knows, where that is more than the corpus shows.

        Raises:
            UserError: no such device or model, or settings that the model refuses.
        """
        # One thread: bits must not depend on how many cores there are, nor two processes share them.
        torch.set_num_threads(1)
        self._corpus = corpus
        self._training = experiment.training
        if self._training.soft_labels and corpus.votes is None:
            raise UserError(
                f"training.soft_labels: {corpus.name} has no votes; leave it false, or import the "
                "corpus with its votes (docs/corpora.md)"
            )
        self._device = _device(experiment.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(experiment.seed, "initial model"))
            self._model = build(
                experiment.model.name,
                experiment.model.settings,
                modalities={m.name: m.size for m in corpus.modalities.values()},
                roles=max(roles, corpus.roles),
                classes=len(corpus.classes),
            ).to(self._device)
        self.precision = choose(self._training.precision, self._model, self._device)
        self._roles = max(roles, corpus.roles)
        frozen = {n for n, p in self._model.named_parameters() if not p.requires_grad}
        self._state = {
            _path(name): tensor
            for name, tensor in self._model.state_dict(keep_vars=True).items()
            if name not in frozen
        }
        self._parameters = {
            _path(name): p for name, p in self._model.named_parameters() if p.requires_grad
        }
        self._statistics: Tensors = {}
        self._load_features()
        # One row more than the corpus has, for padding to point at.
        self._role = self._padded(corpus.role, self._roles)
        self._see(corpus)
        first = np.zeros(1, np.int64)
        self._embedding_dim = int(self.predict(first).embedding.shape[1])

    @property
    def embedding_dim(self) -> int:
        return self._embedding_dim

    def get(self) -> Tensors:
        return {n: t.detach().cpu().numpy().copy() for n, t in self._state.items()}

    def set(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        statistics = {n: a for n, a in tensors.items() if n.startswith("features/")}
        learnt = {n: a for n, a in tensors.items() if n not in statistics}
        # Looked at as a whole first: a model is never half one client's and half another's.
        if learnt:
            _ensure_equal_shapes(learnt, self._state)
        ensure_fitting(statistics, self._corpus)
        with torch.no_grad():
            for name, array in learnt.items():
                self._state[name].copy_(torch.from_numpy(array))
        if statistics and not _same(statistics, self._statistics):
            self._statistics = statistics
            self._load_features()

    @contextmanager
    def using_view(self, view: ConversationCorpus) -> Iterator[None]:
        if view is self._seen:
            yield
            return
        before = self._seen
        self._see(view)
        try:
            yield
        finally:
            self._see(before)

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        training, learning = self._training, self._parameters
        if options.only is not None:
            learning = {n: p for n, p in learning.items() if n in options.only}
        stepper = optimiser_for(learning, training, options.rate(training), options.optimiser)
        corrected = Corrected(options.correction, learning) if options.correction else None
        objective = self._objective(data, options)
        supervised = np.zeros(len(self._corpus) + 1, bool)
        supervised[data.supervised] = True
        counted = torch.from_numpy(supervised).to(self._device)
        # A conversation with nothing to learn from teaches nothing: leave it out.
        useful = np.unique(self._corpus.conversation[data.supervised])
        rows = np.isin(self._corpus.conversation, useful)
        lacking = not all(present[rows].any() for present in self._seen.present.values())
        untouched = set(learning) if lacking else set()

        wanted = options.steps(training, len(useful))
        random = np.random.default_rng(options.seed)
        torch.manual_seed(options.seed)  # dropout, of numbers and of modalities
        self._model.train()
        steps, sums, items = 0, dict[str, float](), 0
        with _frozen(self._parameters, learning):
            while steps < wanted:
                sums, items = {}, 0
                order = shuffled(useful, training.batch_size, random)
                for conversations in islice(order, wanted - steps):
                    batch = self._batch(conversations, counted)
                    if training.modality_dropout:
                        batch = hide_modalities(batch, training.modality_dropout)
                    loss, parts = objective(batch, self._rows(conversations))
                    stepper.zero_grad(set_to_none=True)
                    loss.backward()  # type: ignore[no-untyped-call]
                    if lacking:
                        untouched &= leave_untouched(learning)
                    if corrected is not None:
                        corrected.apply()
                    stepper.step()
                    steps += 1
                    size = int(batch.supervised.sum())
                    items += size
                    for name, part in {"loss": loss, **parts}.items():
                        sums[name] = sums.get(name, 0.0) + float(part.detach()) * size
                if not np.isfinite(sums["loss"]):
                    raise DivergedError(f"the loss is not finite after {steps} steps")
        means = {name: total / max(items, 1) for name, total in sums.items()}
        keeps = training.optimiser_state == "keep"
        state = state_of(stepper, learning) if keeps else {}
        return Fit(means.pop("loss", 0.0), means, steps, state, frozenset(untouched))

    def _objective(self, data: ClientData, options: FitOptions) -> Objective:
        """What a lesson minimises: the experiment's objective and what the algorithm adds to it."""
        label, classes = self._seen.label[data.supervised], len(self._corpus.classes)
        label_balance = options.label_balance_of(self._training, label, classes)
        weight, shift = (
            torch.from_numpy(array).to(self._device, torch.float32)
            for array in (label_balance.weight, label_balance.shift)
        )
        taught = None
        if options.teacher is not None:
            taught = self._padded(options.teacher, 1.0).clamp_min(TINY).log()

        def objective(
            batch: DialogueBatch, item: torch.Tensor
        ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            prediction = self._forward(batch)
            if taught is not None and not prediction.students:
                raise UserError(
                    "algorithm.distil_from: server: this model has no students; use `fused`"
                )
            soft = None if taught is None else taught[item]
            loss, parts = sdt_objective(prediction, batch, self._training, weight, shift, soft)
            if options.extra_loss is None:
                return loss, parts
            extra = options.extra_loss(prediction, batch, item)
            return loss + extra, {**parts, "extra": extra}

        return objective

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        nobody = torch.zeros(len(self._corpus) + 1, dtype=torch.bool, device=self._device)
        self._model.eval()
        found: dict[str, list[npt.NDArray[Any]]] = {k: [] for k in ("item", "p", "z", "w")}
        by_modality: dict[str, list[npt.NDArray[Any]]] = {m: [] for m in self._corpus.features}
        with torch.inference_mode():
            for batch_of in by_length(self._corpus, conversations, PREDICTION_BATCH):
                batch = self._batch(batch_of, nobody)
                prediction = self._forward(batch)
                valid = batch.valid
                rows = padded_rows(self._corpus, batch_of)
                found["item"].append(rows[rows < len(self._corpus)])
                found["p"].append(prediction.logits[valid].softmax(-1).cpu().numpy())
                found["z"].append(prediction.embedding[valid].cpu().numpy())
                found["w"].append(prediction.modality_weights[valid].cpu().numpy())
                for m, z in prediction.embedding_by_modality.items():
                    by_modality[m].append(z[valid].cpu().numpy())
        item = np.concatenate(found["item"])
        order = np.argsort(item)
        parts = {k: np.concatenate(v)[order] for k, v in found.items()}
        embedding = {m: np.concatenate(v)[order] for m, v in by_modality.items() if v}
        return Outputs(parts["item"], parts["p"], parts["z"], parts["w"], embedding)

    def _forward(self, batch: DialogueBatch) -> Prediction:
        with self.precision.products(self._device):
            prediction: Prediction = self._model(batch)
        return prediction.float()

    def _batch(self, conversations: Integers, counted: torch.Tensor) -> DialogueBatch:
        rows = self._rows(conversations)
        valid = rows < len(self._corpus)
        return DialogueBatch(
            features={m: x[rows] for m, x in self._features.items()},
            present={m: p[rows] for m, p in self._present.items()},
            role=self._role[rows],
            valid=valid,
            label=self._label[rows],
            supervised=counted[rows],
            shares=None if self._client_data is None else self._client_data[rows],
        )

    def _rows(self, conversations: Integers) -> torch.Tensor:
        """int64 [B, N], rows of the corpus; one past its end in the padding."""
        return torch.from_numpy(padded_rows(self._corpus, conversations)).to(self._device)

    def _see(self, view: ConversationCorpus) -> None:
        """Take labels, votes where they are learnt from, and what is present from a view of the corpus."""
        self._seen = view
        self._label = self._padded(np.maximum(view.label, 0), 0)
        soft = self._training.soft_labels and view.votes is not None
        self._client_data = self._padded(_client_data(view), 0) if soft else None
        self._present = {m: self._padded(p, False) for m, p in view.present.items()}

    def _load_features(self) -> None:
        """Scale the whole corpus once, but for images; absent features and the padding row stay 0."""
        self._features = {}
        for name, array in self._corpus.features.items():
            dtype = array.dtype if self._corpus.modalities[name].is_image else np.float32
            # Made with its padding row at once: there is never a second copy.
            padded = np.zeros((len(array) + 1, *array.shape[1:]), dtype)
            scaled = padded[:-1]
            scaled[:] = array
            if f"features/{name}/mean" in self._statistics:
                scaled -= self._statistics[f"features/{name}/mean"].astype(np.float32)
                scaled /= self._statistics[f"features/{name}/scale"].astype(np.float32)
            scaled[~self._corpus.present[name]] = 0
            self._features[name] = torch.from_numpy(padded).to(self._device)

    def _padded(self, array: npt.NDArray[Any], padding: float) -> torch.Tensor:
        row = np.full((1, *array.shape[1:]), padding, array.dtype)
        return torch.from_numpy(np.concatenate([array, row])).to(self._device)


def _client_data(corpus: ConversationCorpus) -> npt.NDArray[np.float32]:
    """float32 [items, classes]: the votes as shares of 1; all for the label where nobody voted."""
    assert corpus.votes is not None
    label = np.eye(len(corpus.classes), dtype=np.float32)[np.maximum(corpus.label, 0)]
    votes = corpus.votes.astype(np.float32)
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes / np.where(total > 0, total, 1), label)


def _path(name: str) -> str:
    """torch's name of a tensor as ours: `model/gate/weight`."""
    return "model/" + name.replace(".", "/")


@contextmanager
def _frozen(parameters: Named, learning: Named) -> Iterator[None]:
    """While it lasts, only those that learn have a gradient."""
    for name, parameter in parameters.items():
        parameter.requires_grad_(name in learning)
    try:
        yield
    finally:
        for parameter in parameters.values():
            parameter.requires_grad_(True)


def _device(name: str) -> torch.device:
    seen = torch.cuda.device_count()
    if name.startswith("cuda") and int(name.partition(":")[2] or 0) >= seen:
        raise UserError(
            f"device: `{name}` was asked for, but torch sees {seen or 'no'} GPU; use device=cpu"
        )
    return torch.device(name)


def _ensure_equal_shapes(given: Tensors, own: Mapping[str, torch.Tensor]) -> None:
    for name in sorted({*given, *own}):
        has, needs = (_look(side.get(name)) for side in (given, own))
        if has != needs:
            raise UserError(
                f"model: tensor `{name}` does not fit: {has}, where the model has {needs}; "
                "was it made with other model settings?"
            )


def _look(tensor: npt.NDArray[Any] | torch.Tensor | None) -> str:
    if tensor is None:
        return "none"
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def _same(left: Tensors, right: Tensors) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[n], right[n]) for n in left)
