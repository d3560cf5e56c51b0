"""A frozen network in an ONNX file, run without torch: images in, embeddings and logits out.

`fedaffect export` writes such files. They hold no code, but ONNX Runtime is not hardened against hostile
files: use only files that you trust.
"""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fedaffect.errors import UserError

FORMAT = "fedaffect backbone 1"
IMAGE, EMBEDDING, LOGITS = "image", "embedding", "logits"
MAXIMUM_BYTES = 2**28
AT_ONCE = 32
"""Batch size; a larger one is no faster on one thread."""

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class Backbone:
    """The network of an ONNX file, run on one thread.

    Attributes:
        shape: of an image, (height, width).
        classes: of its logits.
        embedding_dim: length of an embedding.
    """

    def __init__(self, payload: bytes, source: str) -> None:
        """
        Args:
            payload: the file's bytes.
            source: name of the file, for messages.

        Raises:
            UserError: larger than 256 MiB, not ONNX, or not written by `fedaffect export`.
        """
        cure = "write it again with `fedaffect export`"
        if len(payload) > MAXIMUM_BYTES:
            raise UserError(f"{source}: {len(payload)} bytes; give at most {MAXIMUM_BYTES}")
        try:
            self._session = _session(payload)
        except ImportError:
            raise
        except Exception as error:  # the errors of ONNX Runtime have no common class of their own
            raise UserError(f"{source}: not readable as ONNX ({error}); {cure}") from None
        metadata = self._session.get_modelmeta().custom_metadata_map
        if metadata.get("format") != FORMAT:
            raise UserError(
                f"{source}: its format is {metadata.get('format')!r}, not {FORMAT}; {cure}"
            )
        inputs = {x.name: (x.type, x.shape) for x in self._session.get_inputs()}
        outputs = {x.name: (x.type, x.shape) for x in self._session.get_outputs()}
        try:
            self.classes = tuple(str(name) for name in json.loads(metadata["classes"]))
            (kind, (_, *shape)), (_, (_, dim)) = inputs[IMAGE], outputs[EMBEDDING]
            self.shape, self.embedding_dim = tuple(map(int, shape)), int(dim)
            fits = kind == "tensor(uint8)" and outputs[LOGITS][1][1:] == [len(self.classes)]
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise UserError(f"{source}: no backbone: inputs {inputs}, outputs {outputs}; {cure}")

    @classmethod
    def read(cls, file: Path) -> Self:
        """
        Raises:
            UserError: no such file, or as the constructor.
        """
        if not file.is_file():
            raise UserError(
                f"{file}: no such file; make one with `fedaffect export RUN --out {file}`"
            )
        if file.stat().st_size > MAXIMUM_BYTES:
            raise UserError(f"{file}: more than {MAXIMUM_BYTES} bytes; name a backbone")
        return cls(file.read_bytes(), str(file))

    def embed(self, images: Images) -> tuple[Floats, Floats]:
        """Embeddings float32 [n, embedding_dim] and logits float32 [n, classes].

        Args:
            images: uint8 [n, height, width].
        """
        embedding = np.empty((len(images), self.embedding_dim), np.float32)
        logits = np.empty((len(images), len(self.classes)), np.float32)
        for start in range(0, len(images), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            inputs = {IMAGE: images[part]}
            embedding[part], logits[part] = self._session.run([EMBEDDING, LOGITS], inputs)
        return embedding, logits


def _session(payload: bytes) -> Any:
    """A session on one thread without busy waiting.

    The memory arena stays on: without it ONNX Runtime took nine times as much memory.
    """
    import onnxruntime  # an optional dependency

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(payload, options, providers=["CPUExecutionProvider"])
