"""The learner of torch models over conversations."""

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
from fedaffect.learning.learner import (
    DivergedError,
    Fit,
    FitOptions,
    Outputs,
    ensure_matching_statistics,
    ensure_same_tensors,
)
from fedaffect.learning.torch.modality_dropout import hide_modalities
from fedaffect.learning.torch.objectives import sdt_objective
from fedaffect.learning.torch.optimisers import (
    GradientCorrector,
    Named,
    drop_zero_gradients,
    optimiser_for,
    state_of,
)
from fedaffect.learning.torch.precision import choose
from fedaffect.models import build
from fedaffect.models.base import DialogueBatch, Prediction
from fedaffect.randomness import seed_for
from fedaffect.schema import ClientData, Integers, Tensors

Objective = Callable[[DialogueBatch, torch.Tensor], tuple[torch.Tensor, dict[str, torch.Tensor]]]
"""`(batch, item) -> (loss, its parts)`; `item` as in `ExtraLoss`."""

PREDICTION_BATCH = 16
TINY = 1e-12


class ConversationTrainer:
    """A `Learner` for models that read whole conversations.

    All clients of a process share one trainer; `set` loads a client's model into it.
    """

    def __init__(self, corpus: ConversationCorpus, experiment: Experiment, roles: int = 0) -> None:
        """Initialise the model from the experiment's seed and move the corpus to its device.

        Args:
            roles: number of roles of the model, where the corpus has fewer.

        Raises:
            UserError: no such device or model, invalid settings, or a corpus that does not match them.
        """
        # One thread, so that results do not depend on the number of cores.
        torch.set_num_threads(1)
        self._corpus = corpus
        self._training = experiment.training
        if self._training.soft_labels and corpus.votes is None:
            raise UserError(
                f"training.soft_labels: {corpus.name} has no votes; set it to false, or import the "
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
        # One row more than the corpus, for padding.
        self._role = self._padded(corpus.role, self._roles)
        self._use_view(corpus)
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
        # All are checked before any is loaded.
        if learnt:
            ensure_same_tensors(learnt, self._state)
        ensure_matching_statistics(statistics, self._corpus)
        with torch.no_grad():
            for name, array in learnt.items():
                self._state[name].copy_(torch.from_numpy(array))
        if statistics and not _same(statistics, self._statistics):
            self._statistics = statistics
            self._load_features()

    @contextmanager
    def using_view(self, view: ConversationCorpus) -> Iterator[None]:
        if view is self._view:
            yield
            return
        before = self._view
        self._use_view(view)
        try:
            yield
        finally:
            self._use_view(before)

    def fit(self, data: ClientData, options: FitOptions) -> Fit:
        training, learning = self._training, self._parameters
        if options.only is not None:
            learning = {n: p for n, p in learning.items() if n in options.only}
        optimiser = optimiser_for(learning, training, options.rate(training), options.optimiser)
        corrector = GradientCorrector(options.correction, learning) if options.correction else None
        objective = self._objective(data, options)
        supervised = np.zeros(len(self._corpus) + 1, bool)
        supervised[data.supervised] = True
        in_loss = torch.from_numpy(supervised).to(self._device)
        # Conversations without a supervised utterance are left out.
        useful = np.unique(self._corpus.conversation[data.supervised])
        rows = np.isin(self._corpus.conversation, useful)
        modality_missing = not all(present[rows].any() for present in self._view.present.values())
        untouched = set(learning) if modality_missing else set()

        wanted = options.steps(training, len(useful))
        random = np.random.default_rng(options.seed)
        torch.manual_seed(options.seed)  # of dropout and modality dropout
        self._model.train()
        steps, sums, items = 0, dict[str, float](), 0
        with _frozen(self._parameters, learning):
            while steps < wanted:
                sums, items = {}, 0
                order = shuffled(useful, training.batch_size, random)
                for conversations in islice(order, wanted - steps):
                    batch = self._batch(conversations, in_loss)
                    if training.modality_dropout:
                        batch = hide_modalities(batch, training.modality_dropout)
                    loss, parts = objective(batch, self._rows(conversations))
                    optimiser.zero_grad(set_to_none=True)
                    loss.backward()  # type: ignore[no-untyped-call]
                    if modality_missing:
                        untouched &= drop_zero_gradients(learning)
                    if corrector is not None:
                        corrector.apply()
                    optimiser.step()
                    steps += 1
                    size = int(batch.supervised.sum())
                    items += size
                    for name, part in {"loss": loss, **parts}.items():
                        sums[name] = sums.get(name, 0.0) + float(part.detach()) * size
                if not np.isfinite(sums["loss"]):
                    raise DivergedError(f"the loss is not finite after {steps} steps")
        means = {name: total / max(items, 1) for name, total in sums.items()}
        state = state_of(optimiser, learning) if training.optimiser_state == "keep" else {}
        return Fit(means.pop("loss", 0.0), means, steps, state, frozenset(untouched))

    def _objective(self, data: ClientData, options: FitOptions) -> Objective:
        """The experiment's loss and the algorithm's extra loss."""
        label, classes = self._view.label[data.supervised], len(self._corpus.classes)
        label_balance = options.label_balance_of(self._training, label, classes)
        weight, shift = (
            torch.from_numpy(array).to(self._device, torch.float32)
            for array in (label_balance.weight, label_balance.shift)
        )
        teacher = None
        if options.teacher is not None:
            teacher = self._padded(options.teacher, 1.0).clamp_min(TINY).log()

        def objective(
            batch: DialogueBatch, item: torch.Tensor
        ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            prediction = self._forward(batch)
            if teacher is not None and not prediction.students:
                raise UserError(
                    "algorithm.distil_from: this model has no students; set algorithm.distil_from=fused"
                )
            of_batch = None if teacher is None else teacher[item]
            loss, parts = sdt_objective(prediction, batch, self._training, weight, shift, of_batch)
            if options.extra_loss is None:
                return loss, parts
            extra = options.extra_loss(prediction, batch, item)
            return loss + extra, {**parts, "extra": extra}

        return objective

    def predict(self, conversations: npt.NDArray[np.int64]) -> Outputs:
        unsupervised = torch.zeros(len(self._corpus) + 1, dtype=torch.bool, device=self._device)
        self._model.eval()
        found: dict[str, list[npt.NDArray[Any]]] = {k: [] for k in ("item", "p", "z", "w")}
        by_modality: dict[str, list[npt.NDArray[Any]]] = {m: [] for m in self._corpus.features}
        with torch.inference_mode():
            for some in by_length(self._corpus, conversations, PREDICTION_BATCH):
                batch = self._batch(some, unsupervised)
                prediction = self._forward(batch)
                valid = batch.valid
                rows = padded_rows(self._corpus, some)
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

    def _batch(self, conversations: Integers, in_loss: torch.Tensor) -> DialogueBatch:
        rows = self._rows(conversations)
        valid = rows < len(self._corpus)
        return DialogueBatch(
            features={m: x[rows] for m, x in self._features.items()},
            present={m: p[rows] for m, p in self._present.items()},
            role=self._role[rows],
            valid=valid,
            label=self._label[rows],
            supervised=in_loss[rows],
            soft_label=None if self._soft_label is None else self._soft_label[rows],
        )

    def _rows(self, conversations: Integers) -> torch.Tensor:
        """int64 [B, N], rows of the corpus; in the padding the number of its rows."""
        return torch.from_numpy(padded_rows(self._corpus, conversations)).to(self._device)

    def _use_view(self, view: ConversationCorpus) -> None:
        """Use the labels, votes and presence of a view of the corpus."""
        self._view = view
        self._label = self._padded(np.maximum(view.label, 0), 0)
        soft = self._training.soft_labels and view.votes is not None
        self._soft_label = self._padded(_soft_label(view), 0) if soft else None
        self._present = {m: self._padded(p, False) for m, p in view.present.items()}

    def _load_features(self) -> None:
        """Standardise all features but images; absent features and the padding row are 0."""
        self._features = {}
        for name, array in self._corpus.features.items():
            dtype = array.dtype if self._corpus.modalities[name].is_image else np.float32
            # Allocated with the padding row, so that there is no second copy.
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


def _soft_label(corpus: ConversationCorpus) -> npt.NDArray[np.float32]:
    """float32 [items, classes]: votes as fractions; one-hot labels where nobody voted."""
    assert corpus.votes is not None
    label = np.eye(len(corpus.classes), dtype=np.float32)[np.maximum(corpus.label, 0)]
    votes = corpus.votes.astype(np.float32)
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes / np.where(total > 0, total, 1), label)


def _path(name: str) -> str:
    """The path `model/gate/weight` of torch's `gate.weight`."""
    return "model/" + name.replace(".", "/")


@contextmanager
def _frozen(parameters: Named, learning: Named) -> Iterator[None]:
    """Inside the context, only the parameters of `learning` require a gradient."""
    for name, parameter in parameters.items():
        parameter.requires_grad_(name in learning)
    try:
        yield
    finally:
        for parameter in parameters.values():
            parameter.requires_grad_(True)


def _device(name: str) -> torch.device:
    gpus = torch.cuda.device_count()
    if name.startswith("cuda") and int(name.partition(":")[2] or 0) >= gpus:
        raise UserError(
            f"device: `{name}` was asked for, but torch finds {gpus or 'no'} GPU; use device=cpu"
        )
    return torch.device(name)


def _same(left: Tensors, right: Tensors) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[n], right[n]) for n in left)
