"""A frozen network in one ONNX file: images in, their embeddings and its own opinion of them out; no torch.

`fedaffect export` writes such files. Where they are from is for whoever names them to judge: they hold no
code, but ONNX Runtime reads them, and its authors do not promise that it survives a hostile one.
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
"""Images in memory as floats at a time; more is no faster on one thread."""

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class Backbone:
    """The network of such a file, on one thread.

    Attributes:
        shape: of an image, (height, width).
        classes: what its own head tells apart.
        embedding_dim: length of an embedding.
    """

    def __init__(self, payload: bytes, source: str) -> None:
        """
        Args:
            payload: the file's bytes.
            source: where they are from, for messages.

        Raises:
            UserError: too large, not readable as ONNX, or another network than `fedaffect export` writes.
        """
        cure = "make it anew with `fedaffect export`"
        if len(payload) > MAXIMUM_BYTES:
            raise UserError(f"{source}: {len(payload)} bytes; at most {MAXIMUM_BYTES} are read")
        try:
            self._session = _session(payload)
        except ImportError:
            raise
        except Exception as error:  # its errors have no other class in common
            raise UserError(f"{source}: not readable as ONNX ({error}); {cure}") from None
        about = self._session.get_modelmeta().custom_metadata_map
        if about.get("format") != FORMAT:
            raise UserError(
                f"{source}: its format is {about.get('format')!r}, not {FORMAT}; {cure}"
            )
        given = {x.name: (x.type, x.shape) for x in self._session.get_inputs()}
        told = {x.name: (x.type, x.shape) for x in self._session.get_outputs()}
        try:
            self.classes = tuple(str(name) for name in json.loads(about["classes"]))
            (kind, (_, *shape)), (_, (_, dim)) = given[IMAGE], told[EMBEDDING]
            self.shape, self.embedding_dim = tuple(map(int, shape)), int(dim)
            fits = kind == "tensor(uint8)" and told[LOGITS][1][1:] == [len(self.classes)]
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise UserError(f"{source}: inputs {given} and outputs {told} of no backbone; {cure}")

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
            raise UserError(f"{file}: more than {MAXIMUM_BYTES} bytes; is it a backbone?")
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
            given = {IMAGE: images[part]}
            embedding[part], logits[part] = self._session.run([EMBEDDING, LOGITS], given)
        return embedding, logits


def _session(payload: bytes) -> Any:
    """On one thread, which sleeps while there is nothing to do.

    The arena for memory stays on: without it ONNX Runtime was seen to take nine times as much.
    """
    import onnxruntime  # here, so that settings can be listed without it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(payload, options, providers=["CPUExecutionProvider"])
