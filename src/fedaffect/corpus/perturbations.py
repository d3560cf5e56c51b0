"""What may be wrong with the data that clients hold: spoilt pictures, missing modalities, wrong labels.

Each utterance and each client has its own lot, whatever else is drawn: what is hit at a low rate is hit, in
the same way, at a higher one. Evaluation keeps its labels, and only `missing_in = "everywhere"` touches dev
and test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.corruption import augmented
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Conditions
from fedaffect.randomness import generator
from fedaffect.schema import ClientData, Flags

Floats = npt.NDArray[np.float64]


def spoil_pictures(
    corpus: ConversationCorpus, conditions: Conditions, seed: int
) -> ConversationCorpus:
    """Pictures of the training part are spoilt with a probability, each in one of the ways of a car.

    Raises:
        UserError: the corpus has no pictures.
    """
    if not conditions.corrupted_pictures:
        return corpus
    pictures = [m.name for m in corpus.modalities.values() if m.is_image]
    if not pictures:
        raise UserError(
            f"conditions.corrupted_pictures: {corpus.name} has no pictures; leave it at 0"
        )
    rows, features = np.flatnonzero(corpus.items_in("train")), dict(corpus.features)
    for name in pictures:
        features[name] = np.array(features[name])
        features[name][rows] = augmented(
            features[name][rows], seed=seed, item=rows, share=conditions.corrupted_pictures
        )
    return replace(corpus, features=features)


def hide_from_utterances(
    corpus: ConversationCorpus, conditions: Conditions, seed: int
) -> ConversationCorpus:
    """Each modality of each utterance is absent with a probability, but never the last that it has.

    Raises:
        UserError: `missing_modality` is not one of the corpus.
    """
    if not conditions.missing_utterances:
        return corpus
    names = list(corpus.features)
    missable = np.isin(names, _missable(corpus, conditions))
    lots = [generator(seed, "missing utterances", name).random(len(corpus)) for name in names]
    lot = np.stack(lots, axis=1)  # items, modalities
    present = np.stack(list(corpus.present.values()), axis=1)
    lost = present & (lot < conditions.missing_utterances) & missable
    if conditions.missing_in == "train":
        lost &= corpus.items_in("train")[:, None]
    last = np.where(present, lot, -1.0).argmax(axis=1)
    bare = ~(present & ~lost).any(axis=1)
    lost[bare, last[bare]] = False
    return replace(corpus, present=dict(zip(names, (present & ~lost).T, strict=True)))


def hide_from_clients(
    corpus: ConversationCorpus, client_data: Sequence[ClientData], conditions: Conditions, seed: int
) -> list[ClientData]:
    """A fraction of the clients has nothing of one modality: which clients, and which modality, is drawn.

    Raises:
        UserError: `missing_modality` is not one of the corpus; or it has a single one.
    """
    if not conditions.missing_clients:
        return list(client_data)
    names = _missable(corpus, conditions)
    if len(corpus.features) == 1:
        raise UserError(
            f"conditions.missing_clients: {corpus.name} has one modality, so who lacks one has nothing"
        )
    random = generator(seed, "missing clients")
    order = random.permutation(len(client_data))
    lacks = random.integers(len(names), size=len(client_data))
    everything = np.ones(len(corpus), bool)
    found = list(client_data)
    for client in order[: round(conditions.missing_clients * len(client_data))]:
        hidden = {names[lacks[client]]: everything}
        found[client] = _without(corpus, found[client], hidden)
    return found


def hide_from_all(
    corpus: ConversationCorpus, whole: ClientData, client_data: Sequence[ClientData]
) -> ClientData:
    """The holder of all that `client_data` hold: what none of them sees of the training part, it does not."""
    hidden = {}
    for name in sorted({name for data in client_data for name in data.hidden}):
        unseen = corpus.items_in("train")
        for data in client_data:
            rows = rows_of(corpus, data.conversations)
            unseen[rows] &= data.hidden[name][rows] if name in data.hidden else False
        hidden[name] = unseen
    return _without(corpus, whole, hidden) if hidden else whole


def mislabel(
    corpus: ConversationCorpus, client_data: Sequence[ClientData], conditions: Conditions, seed: int
) -> list[ClientData]:
    """Some of the labels that clients learn from are wrong: `label_noise` of them, whoever holds them.

    With Q the `confusions`, a label turns by the matrix (1 - noise) I + noise Q.

    Raises:
        UserError: the corpus has a single class.
    """
    if not conditions.label_noise:
        return list(client_data)
    classes = len(corpus.classes)
    if classes == 1:
        raise UserError(f"conditions.label_noise: {corpus.name} has one class, and no wrong one")
    random = generator(seed, "label noise")
    turned = random.random(len(corpus)) < conditions.label_noise
    label = corpus.label.copy()
    for true, chances in enumerate(confusions(classes, conditions.label_noise_sparsity, random)):
        rows = corpus.label == true
        wrong = random.choice(classes, size=int(rows.sum()), p=chances)
        label[rows] = np.where(turned[rows], wrong, true)
    return [replace(data, label=label[data.supervised]) for data in client_data]


def confusions(classes: int, sparsity: float, random: np.random.Generator) -> Floats:
    """What a label is taken for when it is mistaken, float64 [classes, classes]: row sums 1, diagonal 0.

    A row draws its proportions uniformly among as many other classes as `sparsity` leaves, at least one.
    """
    found = np.zeros((classes, classes))
    kept = max(1, round((1 - sparsity) * (classes - 1)))
    for true, row in enumerate(found):
        others = np.delete(np.arange(classes), true)
        row[random.choice(others, size=kept, replace=False)] = random.dirichlet(np.ones(kept))
    return found


def _missable(corpus: ConversationCorpus, conditions: Conditions) -> list[str]:
    """The modalities that may be missing."""
    named = conditions.missing_modality
    if named and named not in corpus.features:
        raise UserError(
            f"conditions.missing_modality: {corpus.name} has no modality `{named}`; it has: "
            f"{', '.join(corpus.features)}"
        )
    return [named] if named else list(corpus.features)


def _without(
    corpus: ConversationCorpus, data: ClientData, hidden: Mapping[str, Flags]
) -> ClientData:
    """The share with more hidden from it; an utterance of which nothing is left is context, no lesson."""
    less = replace(data, hidden=hidden)
    something = np.any(list(less.view(corpus).present.values()), axis=0)
    return replace(less, supervised=data.supervised[something[data.supervised]])
