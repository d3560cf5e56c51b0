"""The neutral layout: one `.npz` of flat arrays, a row an utterance. See docs/neutral-layout.md."""

from collections.abc import Mapping

import numpy as np

from fedaffect.corpus.formats.assemble import COLUMNS, NAMES, REQUIRED, VOTES, assemble
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.source import Source
from fedaffect.schema import Array

_PRESENT = "_present"
_TIMES = "start_end"


class NeutralLayout(Reader):
    """Any `.npz` that is of no other format; features keep their dtype."""

    fallback = True

    def recognises(self, source: Source) -> bool:
        return source.is_zip

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        arrays = source.arrays
        features = {k: a for k, a in arrays.items() if _is_modality(k, a)}
        present = {k: arrays[k + _PRESENT] for k in features if k + _PRESENT in arrays}
        provenance = origin([source.path], _description(arrays, features))
        return assemble(
            source.path, arrays, features, present, name=source.name, provenance=provenance
        )


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
