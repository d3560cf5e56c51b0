"""A trained network as an ONNX file, for machines without torch: what `inference.backbone` reads."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fedaffect import models
from fedaffect.errors import UserError
from fedaffect.inference.backbone import EMBEDDING, FORMAT, IMAGE, LOGITS, Backbone
from fedaffect.learning.saved import experiment_of, read_config, tensors_of
from fedaffect.models.layers.convolution import StandardisedConvolution
from fedaffect.models.layers.linear import Linear
from fedaffect.schema import Size, Tensors

NEEDED = "onnx", "onnxscript", "onnxruntime"
OPSET = 20
CHECKED = (1, 2, 5)
"""How many images at once the file is compared with torch on; 1 is what a traced example of 1 would fix."""
TOLERANCE = 1e-5


def export(folder: Path, out: Path, member: str, allow_code: bool = False) -> float:
    """Write the network of a model folder as one ONNX file; nothing, unless it agrees with torch.

    It reads uint8 images [batch, height, width] and gives `embedding` and `logits`, whatever the batch.

    Args:
        member: whose model, of those in the folder.

    Returns:
        the largest difference found, relative to the largest number where that is above 1.

    Raises:
        UserError: no trained model there, one that embeds no single images, a file that disagrees, or that
            cannot be written.
        ModuleNotFoundError: of the `export` extra.
    """
    for package in NEEDED:
        import_module(package)  # torch would complain in its own way, and late
    config = read_config(folder, allow_code)
    section = experiment_of(config, member).model
    network = None
    if models.is_network(section.name) and models.reads_images(section.name):
        network = models.build(
            section.name,
            section.settings,
            modalities=config.modalities,
            roles=config.roles,
            classes=len(config.classes),
        )
    if network is None or not hasattr(network, "embed"):
        raise UserError(
            f"{folder}: model.name: {section.name} embeds no single images; train a face_cnn"
        )
    _load(network, tensors_of(folder, member), folder)
    seen = _Seen(network).eval()
    random = torch.Generator().manual_seed(0)
    shape = (max(CHECKED), *_image_shape(config.modalities))
    images = torch.randint(0, 256, shape, generator=random, dtype=torch.uint8)
    with torch.inference_mode():
        expected = {count: seen(images[:count]) for count in CHECKED}
    payload = _onnx(_exportable(seen), images[:2], config.classes)
    worst = _difference(expected, Backbone(payload, str(out)), images)
    if not worst <= TOLERANCE:
        raise UserError(
            f"{out}: not written: it would differ from torch by {worst:.1e}, more than {TOLERANCE:g}; "
            "try other versions of torch and onnxscript"
        )
    _write(out, payload)
    return worst


class _Seen(nn.Module):
    """Images in; embeddings, and what the network's own head says of them, out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        embedding: Tensor = self.network.embed(image)  # type: ignore[operator]
        return embedding, self.network.classify(embedding)  # type: ignore[operator]


def _exportable(seen: nn.Module) -> nn.Module:
    """The same, its layers changed in place to such as an exporter knows."""
    for layer in seen.modules():
        if isinstance(layer, Linear):  # its choice of a kernel by size would fix the size
            layer.__class__ = nn.Linear  # type: ignore[assignment]
        elif isinstance(layer, StandardisedConvolution):
            layer.plain()
    return seen


def _image_shape(modalities: Mapping[str, Size]) -> tuple[int, ...]:
    """Of the one modality that such a network has."""
    (shape,) = modalities.values()
    assert not isinstance(shape, int)
    return shape


def _write(out: Path, payload: bytes) -> None:
    """Beside `out`, then in its place; nothing is left where that fails."""
    aside = out.with_name(f".{out.name}.writing")
    try:
        aside.write_bytes(payload)
        aside.replace(out)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UserError(
            f"{out}: cannot be written: {error.strerror or error}; name another place"
        ) from None


def _load(network: nn.Module, tensors: Tensors, folder: Path) -> None:
    own = {f"model/{name.replace('.', '/')}": name for name in network.state_dict()}
    learnt = {n: a for n, a in tensors.items() if n.startswith("model/")}
    try:
        network.load_state_dict({own[n]: torch.from_numpy(a) for n, a in learnt.items()})
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{folder}: its tensors fit another model ({error}); train anew") from None


def _onnx(network: nn.Module, example: Tensor, classes: tuple[str, ...]) -> bytes:
    """
    Args:
        example: two images: of a single one the exporter would fix the number.
    """
    with _quiet():
        program = torch.onnx.export(
            network,
            (example,),
            input_names=[IMAGE],
            output_names=[EMBEDDING, LOGITS],
            dynamic_shapes={IMAGE: {0: torch.export.Dim("batch")}},
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(format=FORMAT, classes=json.dumps(classes))
    payload: bytes = program.model_proto.SerializeToString()
    return payload


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch says of its own next versions, and of torchvision, which is not needed."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _difference(
    expected: Mapping[int, tuple[Tensor, Tensor]], exported: Backbone, images: Tensor
) -> float:
    worst = 0.0
    for count, outputs in expected.items():
        for theirs, ours in zip(outputs, exported.embed(images[:count].numpy()), strict=True):
            scale = max(1.0, float(theirs.abs().max()))
            worst = max(worst, float(np.abs(theirs.numpy() - ours).max()) / scale)
    return worst
