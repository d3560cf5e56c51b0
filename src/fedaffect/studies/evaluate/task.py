"""What a model is evaluated on: which items, in which classes, and what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.subsets import copies_of_train
from fedaffect.errors import UserError
from fedaffect.experiment import SYNTHETIC
from fedaffect.learning.saved import SavedModel
from fedaffect.record.files import ENVIRONMENT, read_object
from fedaffect.runs.execute import corpus_of, open_corpus
from fedaffect.schema import UNLABELLED, Flags, Integers
from fedaffect.studies.evaluate.class_mapping import ClassMapping, mapped, read_mapping, same

COPIES = "a copy of it is in train"


@dataclass(frozen=True)
class Task:
    """Attributes:
    corpus: its classes are the common ones; only items that count have a label.
    split: which part of it, or `all`.
    conversations: int64, those of the part. A model sees them whole.
    class_mapping: to the common classes.
    left_out: why → how many items of the part do not count.
    """

    corpus: ConversationCorpus
    split: str
    conversations: Integers
    class_mapping: ClassMapping
    left_out: Mapping[str, int]

    @property
    def items(self) -> int:
        """How many count."""
        return int((self.corpus.label != UNLABELLED).sum())


def of_run(
    run: Path,
    model: SavedModel,
    data: str | None,
    classes: Path | None,
    split: str,
    without_copies: bool,
) -> Task:
    """What the model of a run is evaluated on.

    Args:
        run: its folder.
        data: folder of a corpus; None = the one that the run was trained on.
        classes: a file as `read_mapping`; None = the corpus has the model's classes.
        without_copies: leave out images that the model was trained on.

    Raises:
        UserError: a corpus that is not there, is another one by now, lacks a modality or knows other classes;
            no images to compare; or as `make_task`.
    """
    stored = _trained_on(run, model) if data is None else open_corpus(data)
    corpus = corpus_of(model.experiment) if data is None else stored
    corpus = corpus.with_modalities(tuple(model.modalities))
    copies = None
    if without_copies:
        if not any(m.is_image for m in corpus.modalities.values()):
            raise UserError(
                f"--without-copies: {corpus.name} has no images, and nothing else is compared; leave it out"
            )
        # Images as they are stored: a run may have corrupted those that it was trained on.
        copies = copies_of_train(stored, None if data is None else _trained_on(run, model))
    if classes is None:
        class_mapping = same(model.classes, corpus.classes)
    else:
        class_mapping = mapped(model.classes, corpus.classes, read_mapping(classes), classes)
    return make_task(corpus, split, class_mapping, copies)


def _trained_on(run: Path, model: SavedModel) -> ConversationCorpus:
    """The corpus that a run was trained on, as it lies on disk.

    Raises:
        UserError: it is not there, or another one is.
    """
    named = model.experiment.data
    if named != SYNTHETIC and not Path(named).exists():
        raise UserError(
            f"{run}: trained on `{named}`, which is not there; go to where it was run, or give --data"
        )
    corpus = open_corpus(named)
    environment = run / ENVIRONMENT
    if environment.is_file():
        then = read_object(environment, (), "restore it").get("corpus_sha256")
        if then not in (None, corpus.provenance.sha256):
            raise UserError(
                f"{run}: trained on another `{named}` than is there now (its source differs); "
                "give --data, or import the old one again"
            )
    return corpus


def make_task(
    corpus: ConversationCorpus, split: str, class_mapping: ClassMapping, copies: Flags | None
) -> Task:
    """To predict the labels of one part.

    Args:
        split: `train`, `dev`, `test` or `all`.
        copies: bool [items], what is left out since a model knows it; None = nothing.

    Raises:
        UserError: no item counts.
    """
    part = np.ones(len(corpus), bool) if split == "all" else corpus.items_in(split)
    label = np.where(part, class_mapping.of_labels.labels(corpus.label), UNLABELLED)
    left_out = {"it has no label": int((part & (corpus.label == UNLABELLED)).sum())}
    for k, name in enumerate(corpus.classes):
        if class_mapping.of_labels.index[k] == UNLABELLED:
            left_out[f"class {name}"] = int((part & (corpus.label == k)).sum())
    if copies is not None:
        left_out[COPIES] = int((copies & (label != UNLABELLED)).sum())
        label = np.where(copies, UNLABELLED, label)
    if (label == UNLABELLED).all():
        held = ", ".join(f"{count} since {why}" for why, count in left_out.items() if count)
        raise UserError(
            f"{corpus.name}: split {split}: no item labelled {' or '.join(class_mapping.names)} "
            f"({held or 'it is empty'}); choose another --split or other --classes"
        )
    return Task(
        corpus=replace(corpus, classes=class_mapping.names, label=label, votes=None),
        split=split,
        conversations=np.unique(corpus.conversation[part]),
        class_mapping=class_mapping,
        left_out={why: count for why, count in left_out.items() if count},
    )
