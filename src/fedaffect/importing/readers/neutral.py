"""The neutral layout: one `.npz` of flat arrays, a row an utterance. See docs/neutral-layout.md."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats.assemble import COLUMNS, NAMES, REQUIRED, VOTES, assemble
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import Array, ConversationCorpus

_PRESENT = "_present"
_TIMES = "start_end"


def read(file: Path, arrays: Mapping[str, Array], *, name: str) -> ConversationCorpus:
    """The corpus of a file's arrays; features keep their dtype.

    Raises:
        UserError: not of this layout. What can be said only of a whole corpus (labels out of range,
            overlapping splits …) is left to `check.problems`.
    """
    features = {k: a for k, a in arrays.items() if _is_modality(k, a)}
    present = {k: arrays[k + _PRESENT] for k in features if k + _PRESENT in arrays}
    provenance = origin([file], _description(arrays, features))
    return assemble(file, arrays, features, present, name=name, provenance=provenance)


def _is_modality(key: str, array: Array) -> bool:
    """Floats with a width, or pictures of bytes; integer columns beside them are no modality."""
    if key in (*REQUIRED, *NAMES, *COLUMNS, VOTES, _TIMES):
        return False
    return (array.dtype.kind == "f" and array.ndim >= 2) or (
        array.dtype == np.uint8 and array.ndim >= 3
    )


def _description(arrays: Mapping[str, Array], features: Mapping[str, Array]) -> str:
    used = {*REQUIRED, *NAMES, *COLUMNS, VOTES, *features, *(k + _PRESENT for k in features)}
    unused = sorted(set(arrays) - used)
    return "neutral layout" + (f"; not read: {', '.join(unused)}" if unused else "")
