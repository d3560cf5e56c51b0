"""Export of a trained network to ONNX, for `inference.backbone` on machines without torch."""

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
"""Batch sizes at which the file is compared with torch."""
TOLERANCE = 1e-5


def export(folder: Path, out: Path, member: str, allow_code: bool = False) -> float:
    """Write the network of a model folder as an ONNX file, if its outputs agree with torch's.

    Inputs are uint8 images [batch, height, width], outputs `embedding` and `logits`, for any batch size.

    Args:
        member: name of one of the folder's models.

    Returns:
        The largest difference found, relative to the largest number where that is above 1.

    Raises:
        UserError: no trained model there, one that embeds no single images, a difference above 1e-5, or a
            file that cannot be written.
        ModuleNotFoundError: without the `export` extra.
    """
    for package in NEEDED:
        import_module(package)  # before the long work of torch
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
    module = _ImageModule(network).eval()
    random = torch.Generator().manual_seed(0)
    shape = (max(CHECKED), *_image_shape(config.modalities))
    images = torch.randint(0, 256, shape, generator=random, dtype=torch.uint8)
    with torch.inference_mode():
        expected = {count: module(images[:count]) for count in CHECKED}
    payload = _onnx(_exportable(module), images[:2], config.classes)
    worst = _difference(expected, Backbone(payload, str(out)), images)
    if not worst <= TOLERANCE:
        raise UserError(
            f"{out}: not written: it would differ from torch by {worst:.1e}, more than {TOLERANCE:g}; "
            "try other versions of torch and onnxscript"
        )
    _write(out, payload)
    return worst


class _ImageModule(nn.Module):
    """The network from images to embeddings and logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        embedding: Tensor = self.network.embed(image)  # type: ignore[operator]
        return embedding, self.network.classify(embedding)  # type: ignore[operator]


def _exportable(module: nn.Module) -> nn.Module:
    """The module, its layers replaced in place by plain torch layers with the same outputs."""
    for layer in module.modules():
        if isinstance(layer, Linear):  # whose choice of a kernel depends on the batch size
            layer.__class__ = nn.Linear  # type: ignore[assignment]
        elif isinstance(layer, StandardisedConvolution):
            layer.plain()
    return module


def _image_shape(modalities: Mapping[str, Size]) -> tuple[int, ...]:
    """The shape of the only modality, an image."""
    (shape,) = modalities.values()
    assert not isinstance(shape, int)
    return shape


def _write(out: Path, payload: bytes) -> None:
    """Write atomically: to another file, which then replaces `out`."""
    temporary = out.with_name(f".{out.name}.writing")
    try:
        temporary.write_bytes(payload)
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(
            f"{out}: cannot be written: {error.strerror or error}; name another file"
        ) from None


def _load(network: nn.Module, tensors: Tensors, folder: Path) -> None:
    own = {f"model/{name.replace('.', '/')}": name for name in network.state_dict()}
    learnt = {n: a for n, a in tensors.items() if n.startswith("model/")}
    try:
        network.load_state_dict({own[n]: torch.from_numpy(a) for n, a in learnt.items()})
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{folder}: tensors of another model ({error}); train again") from None


def _onnx(network: nn.Module, example: Tensor, classes: tuple[str, ...]) -> bytes:
    """
    Args:
        example: two images; with one, the exporter would fix the batch size.
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
    """Suppress torch's warnings about its next versions and about torchvision, which is not needed."""
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
        for own, other in zip(outputs, exported.embed(images[:count].numpy()), strict=True):
            scale = max(1.0, float(own.abs().max()))
            worst = max(worst, float(np.abs(own.numpy() - other).max()) / scale)
    return worst
