"""Perturbations of clients' data: corrupted images, missing modalities, wrong labels.

Each utterance and each client has its own random numbers: what is affected at a low rate is affected in the
same way at a higher one. Labels of dev and test stay, and only `missing_in = "everywhere"` changes dev and
test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fedaffect.corpus.batching import rows_of
from fedaffect.corpus.corruption import augmented
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.experiment import Conditions
from fedaffect.randomness import generator
from fedaffect.schema import ClientData, Flags, Floats


def corrupt_pictures(
    corpus: ConversationCorpus, conditions: Conditions, seed: int
) -> ConversationCorpus:
    """Corrupt each image of the training part with a probability, in one of the ways of `corruption.table`.

    Raises:
        UserError: the corpus has no images.
    """
    if not conditions.corrupted_pictures:
        return corpus
    pictures = [m.name for m in corpus.modalities.values() if m.is_image]
    if not pictures:
        raise UserError(
            f"conditions.corrupted_pictures: {corpus.name} has no pictures; set it to 0"
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
    """Remove each modality of each utterance with a probability, but never the last one present.

    Raises:
        UserError: the corpus has no `missing_modality`.
    """
    if not conditions.missing_utterances:
        return corpus
    names = list(corpus.features)
    removable = np.isin(names, _removable(corpus, conditions))
    draws = [generator(seed, "missing utterances", name).random(len(corpus)) for name in names]
    draw = np.stack(draws, axis=1)  # items, modalities
    present = np.stack(list(corpus.present.values()), axis=1)
    lost = present & (draw < conditions.missing_utterances) & removable
    if conditions.missing_in == "train":
        lost &= corpus.items_in("train")[:, None]
    last = np.where(present, draw, -1.0).argmax(axis=1)
    nothing_left = ~(present & ~lost).any(axis=1)
    lost[nothing_left, last[nothing_left]] = False
    return replace(corpus, present=dict(zip(names, (present & ~lost).T, strict=True)))


def hide_from_clients(
    corpus: ConversationCorpus, client_data: Sequence[ClientData], conditions: Conditions, seed: int
) -> list[ClientData]:
    """Remove one random modality from a random fraction of the clients.

    Raises:
        UserError: `missing_modality` is not one of the corpus, or a single modality.
    """
    if not conditions.missing_clients:
        return list(client_data)
    names = _removable(corpus, conditions)
    if len(corpus.features) == 1:
        raise UserError(
            f"conditions.missing_clients: {corpus.name} has one modality, without which a client has no "
            "data; set it to 0"
        )
    random = generator(seed, "missing clients")
    order = random.permutation(len(client_data))
    removed = random.integers(len(names), size=len(client_data))
    all_rows = np.ones(len(corpus), bool)
    found = list(client_data)
    for client in order[: round(conditions.missing_clients * len(client_data))]:
        hidden = {names[removed[client]]: all_rows}
        found[client] = _without(corpus, found[client], hidden)
    return found


def hide_from_all(
    corpus: ConversationCorpus, whole: ClientData, client_data: Sequence[ClientData]
) -> ClientData:
    """`whole`, which holds all clients' data, without the training data that no client sees."""
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
    """Replace training labels at random, with the transition matrix (1 - label_noise) I + label_noise Q.

    Q is `confusions`. A label is replaced alike whichever client holds it.

    Raises:
        UserError: the corpus has a single class.
    """
    if not conditions.label_noise:
        return list(client_data)
    classes = len(corpus.classes)
    if classes == 1:
        raise UserError(f"conditions.label_noise: {corpus.name} has a single class; set it to 0")
    random = generator(seed, "label noise")
    replaced = random.random(len(corpus)) < conditions.label_noise
    label = corpus.label.copy()
    for true, probabilities in enumerate(
        confusions(classes, conditions.label_noise_sparsity, random)
    ):
        rows = corpus.label == true
        wrong = random.choice(classes, size=int(rows.sum()), p=probabilities)
        label[rows] = np.where(replaced[rows], wrong, true)
    return [replace(data, label=label[data.supervised]) for data in client_data]


def confusions(classes: int, sparsity: float, random: np.random.Generator) -> Floats:
    """Probabilities of the wrong classes of each class, float64 [classes, classes]: row sums 1, diagonal 0.

    A row is uniform on the simplex over the fraction 1 - `sparsity` of the other classes, at least one.
    """
    found = np.zeros((classes, classes))
    kept = max(1, round((1 - sparsity) * (classes - 1)))
    for true, row in enumerate(found):
        others = np.delete(np.arange(classes), true)
        row[random.choice(others, size=kept, replace=False)] = random.dirichlet(np.ones(kept))
    return found


def _removable(corpus: ConversationCorpus, conditions: Conditions) -> list[str]:
    """The modalities that may be removed."""
    named = conditions.missing_modality
    if named and named not in corpus.features:
        raise UserError(
            f"conditions.missing_modality: {corpus.name} has no modality `{named}`; name one of "
            f"{', '.join(corpus.features)}"
        )
    return [named] if named else list(corpus.features)


def _without(
    corpus: ConversationCorpus, data: ClientData, hidden: Mapping[str, Flags]
) -> ClientData:
    """The client's data with these rows hidden; an utterance of which nothing is left is not learnt from."""
    less = replace(data, hidden=hidden)
    any_present = np.any(list(less.view(corpus).present.values()), axis=0)
    return replace(less, supervised=data.supervised[any_present[data.supervised]])
