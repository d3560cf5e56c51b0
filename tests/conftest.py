"""Small corpora for every test: real shapes, invented numbers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from fedaffect.corpus import ConversationCorpus, Provenance
from fedaffect.randomness import generator

pytest_plugins = ["made_runs"]

# A busy machine is no failure.
settings.register_profile("fedaffect", deadline=None)
settings.load_profile("fedaffect")

MakeCorpus = Callable[..., ConversationCorpus]


@pytest.fixture(scope="session")
def make_corpus() -> MakeCorpus:
    """A function that builds a tiny, sound conversation corpus; see `_make_corpus`."""
    return _make_corpus


@pytest.fixture(scope="session")
def make_faces() -> MakeCorpus:
    """A function that builds a tiny corpus of faces, each a conversation of one; see `_make_faces`."""
    return _make_faces


@pytest.fixture(scope="session")
def make_backbone() -> Callable[..., bytes]:
    """A function that builds a tiny network in ONNX without torch; see `_make_backbone`."""
    return _make_backbone


def _make_backbone(
    *,
    side: int = 12,
    dim: int = 8,
    classes: int = 3,
    seed: int = 0,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """relu(W x / 255) of images [side, side], and a linear map of it, as `fedaffect export` calls them."""
    from onnx import TensorProto, helper, numpy_helper

    random = generator(seed, "tests", "backbone")
    weights = {
        "scale": np.float32(255),
        "embed": random.normal(size=(side * side, dim)).astype(np.float32) / side,
        "classify": random.normal(size=(dim, classes)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["number", "scale"], ["small"]),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "embed"], ["product"]),
        helper.make_node("Relu", ["product"], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "classify"], ["logits"]),
    ]

    def value(name: str, kind: int, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, kind, ["batch", *shape])

    graph = helper.make_graph(
        nodes,
        "tiny",
        [value("image", TensorProto.UINT8, side, side)],
        [value("embedding", TensorProto.FLOAT, dim), value("logits", TensorProto.FLOAT, classes)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    named = json.dumps([f"class-{i}" for i in range(classes)])
    helper.set_model_props(
        model, {"format": "fedaffect backbone 1", "classes": named, **(metadata or {})}
    )
    payload: bytes = model.SerializeToString()
    return payload


def _make_faces(
    *, items: int = 12, classes: int = 3, side: int = 12, missing: float = 0.0, seed: int = 0
) -> ConversationCorpus:
    """Grey images [side, side] under noise, brighter in a place that is the label's.

    Args:
        missing: as in `_make_corpus`, of the only modality here.
    """
    corpus = _make_corpus(
        conversations=items,
        turns=1,
        classes=classes,
        modalities={"other": 1, "face": 1},
        roles=1,
        missing=missing,
        splits=[(0, 0, 1, 2)[i % 4] for i in range(items)],
        seed=seed,
    ).with_modalities(("face",))
    random = generator(seed, "tests", "faces")
    images = random.integers(0, 100, size=(items, side, side))
    for image, label in zip(images, corpus.label, strict=True):
        row = int(label) * side // classes
        image[row : row + side // classes] += 100
    images[~corpus.present["face"]] = 0
    return replace(corpus, name="faces", features={"face": images.astype(np.uint8)})


def _make_corpus(
    *,
    conversations: int = 4,
    turns: int = 5,
    classes: int = 3,
    modalities: Mapping[str, int] | None = None,
    roles: int = 2,
    persons: int | None = None,
    missing: float = 0.0,
    splits: Sequence[int] | None = None,
    seed: int = 0,
) -> ConversationCorpus:
    """Turns alternate between roles; labels shift each modality's mean, so that learning is possible.

    Args:
        modalities: width by name, float32; default `{"text": 4, "audio": 3}`.
        persons: default `roles` persons a conversation.
        missing: fraction of items whose modality is absent (zeros there), drawn for each modality;
            an item keeps at least its first one.
        splits: index into SPLITS a conversation; default: the last is test, the one before dev
            (from 3 conversations on), the others train.
    """
    widths = dict(modalities or {"text": 4, "audio": 3})
    persons = persons or conversations * roles
    random = generator(seed, "tests")
    conversation = np.repeat(np.arange(conversations), turns)
    turn = np.tile(np.arange(turns), conversations)
    role = turn % roles
    label = random.integers(0, classes, size=len(turn))
    label[: min(classes, len(label))] = np.arange(min(classes, len(label)))
    split = np.zeros(conversations, np.int64)
    split[-1] = 2 if conversations > 1 else 0
    if conversations > 2:
        split[-2] = 1
    if splits is not None:
        split = np.asarray(splits, np.int64)

    features, present = {}, {}
    for position, (name, width) in enumerate(widths.items()):
        centre = random.normal(size=(classes, width))
        values = centre[label] + 0.5 * random.normal(size=(len(label), width))
        there = np.ones(len(label), bool)
        if position:
            there = random.random(len(label)) >= missing
        features[name] = np.where(there[:, None], values, 0).astype(np.float32)
        present[name] = there
    return ConversationCorpus(
        name="tiny",
        classes=tuple(f"class-{i}" for i in range(classes)),
        features=features,
        present=present,
        label=label.astype(np.int64),
        person=(conversation * roles + role) % persons,
        persons=tuple(f"person-{i}" for i in range(persons)),
        split=split[conversation],
        provenance=Provenance("tests", "0" * 64, "make_corpus", synthetic=True),
        conversation=conversation,
        conversations=tuple(f"conversation-{i}" for i in range(conversations)),
        turn=turn,
        role=role,
    )
