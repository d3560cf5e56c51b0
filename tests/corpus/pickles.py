"""Feature pickles written field by field, as the published ones are laid out; numbers are invented."""

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

IEMOCAP_TURNS = {
    "Ses01F_impro01": 3,
    "Ses01M_impro01": 2,  # one of COSMIC's development dialogues
    "Ses02M_script02_1": 4,
    "Ses05F_impro01": 2,
}
IEMOCAP_SPLITS = (
    {"Ses01F_impro01", "Ses01M_impro01", "Ses02M_script02_1"},
    {"Ses05F_impro01"},
)
MELD_TURNS = {0: 2, 1: 3, 2: 2, 3: 1, 60: 2, 1153: 3}
MELD_SPLITS = ([60, 2, 0, 1, 3], [1153])
SENTENCE = "a private sentence, café"


def iemocap(widths: Mapping[str, int], layers: int = 1, lists: bool = False) -> list[Any]:
    """ids, speakers, labels, text (`layers` times), audio, visual, sentences, train, test."""
    random = np.random.default_rng(0)
    ids = {
        d: [f"{d}_{'FM'[t % 2]}{t:03d}" for t in range(turns)] for d, turns in IEMOCAP_TURNS.items()
    }
    speakers = {d: ["FM"[t % 2] for t in range(turns)] for d, turns in IEMOCAP_TURNS.items()}
    labels = {d: [t % 6 for t in range(turns)] for d, turns in IEMOCAP_TURNS.items()}
    streams = _streams(random, IEMOCAP_TURNS, widths, layers, lists)
    sentences = {d: [SENTENCE] * turns for d, turns in IEMOCAP_TURNS.items()}
    return [ids, speakers, labels, *streams, sentences, *IEMOCAP_SPLITS]


def meld(
    widths: Mapping[str, int], layers: int = 1, sentiment: bool = False, extra: bool = True
) -> list[Any]:
    """As above with whole numbers as ids and speakers as one-hot vectors of nine."""
    random = np.random.default_rng(0)
    ids = {d: [f"dia{d}_utt{t}" for t in range(turns)] for d, turns in MELD_TURNS.items()}
    speakers = {d: np.eye(9)[: min(turns, 9)].tolist() for d, turns in MELD_TURNS.items()}
    labels = {d: np.arange(turns) % 7 for d, turns in MELD_TURNS.items()}
    streams = _streams(random, MELD_TURNS, widths, layers, False)
    sentences = {d: [SENTENCE] * turns for d, turns in MELD_TURNS.items()}
    moods = [{d: [0] * turns for d, turns in MELD_TURNS.items()}] if sentiment else []
    rest = [{d: [1] * turns for d, turns in MELD_TURNS.items()}] if extra else []
    return [ids, speakers, labels, *moods, *streams, sentences, *MELD_SPLITS, *rest]


def cosmic_iemocap(texts_only: bool = False) -> list[Any]:
    """speakers, labels, four RoBERTa layers (or none), sentences, train, test, dev."""
    _, speakers, labels, *layers, sentences, train, test = iemocap({"text": 1024}, layers=4)
    dev = {"Ses01M_impro01"}
    layers = [] if texts_only else layers
    return [speakers, labels, *layers, sentences, sorted(train - dev), sorted(test), sorted(dev)]


def cosmic_meld(texts_only: bool = False) -> list[Any]:
    """speakers, emotions, sentiments, four RoBERTa layers (or none), sentences, train, test, dev."""
    content = meld({"text": 1024}, layers=4, sentiment=True, extra=False)
    _, speakers, labels, moods, *layers, sentences, train, test = content
    layers = [] if texts_only else layers
    return [speakers, labels, moods, *layers, sentences, train[:-1], test, train[-1:]]


def multiemo(dataset: str) -> dict[str, Any]:
    """The content of MultiEMO's four files, by name."""
    make = iemocap if dataset == "iemocap" else meld
    ids, speakers, labels, text, audio, visual, _, *rest = make(MULTIEMO)
    rows = {d: np.array(vectors) for d, vectors in text.items()}
    return {
        "Speakers.pkl": [ids, speakers, labels, *[None] * 4, *rest],
        "TextFeatures.pkl": rows,
        "AudioFeatures.pkl": audio,
        "VisualFeatures.pkl": visual,
    }


MULTIEMO = {"text": 768, "audio": 512, "visual": 1000}
SDT_IEMOCAP = {"text": 1024, "audio": 1582, "visual": 342}
SDT_MELD = {"text": 1024, "audio": 300, "visual": 342}
MMGCN_IEMOCAP = {"text": 100, "audio": 1582, "visual": 342}
MMGCN_MELD = {"text": 600, "audio": 300, "visual": 342}
DIALOGUERNN_IEMOCAP = {"text": 100, "audio": 100, "visual": 512}
DIALOGUERNN_MELD = {"text": 600, "audio": 300}


def _streams(
    random: np.random.Generator,
    turns: Mapping[Any, int],
    widths: Mapping[str, int],
    layers: int,
    lists: bool,
) -> list[Any]:
    streams = []
    for name, width in widths.items():
        for _ in range(layers if name == "text" else 1):
            drawn = {d: random.normal(size=(n, width)).astype(np.float32) for d, n in turns.items()}
            # Files hold an array a dialogue, a list of arrays, or lists of lists.
            as_lists = {d: matrix.tolist() for d, matrix in drawn.items()}
            as_rows = {d: list(matrix) for d, matrix in drawn.items()}
            streams.append(as_lists if lists else as_rows if name == "text" else drawn)
    return streams


def write(file: Path, content: object, protocol: int = 2) -> Path:
    """As Python 3 writes it."""
    file.write_bytes(pickle.dumps(content, protocol=protocol))
    return file


def write_python2(file: Path, content: object, protocol: int = 2) -> Path:
    """As Python 2 with an old numpy wrote it: byte strings, `numpy.core`; protocol 0 is text."""
    with file.open("wb") as stream:
        _Python2Pickler(stream, protocol=protocol).dump(content)
    file.write_bytes(file.read_bytes().replace(b"cnumpy._core.", b"cnumpy.core."))
    return file


class _Python2Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    def save_string(self, text: str | bytes) -> None:
        raw = text.encode("latin-1") if isinstance(text, str) else text
        quoted = b"S" + repr(raw).removeprefix("b").encode() + b"\n"  # STRING
        self.write(b"T" + struct.pack("<i", len(raw)) + raw if self.bin else quoted)  # BINSTRING
        self.memoize(text)

    dispatch = {**pickle._Pickler.dispatch, str: save_string, bytes: save_string}  # type: ignore[attr-defined]  # noqa: RUF012


class Calls:
    """Pickled, a call of `function(*arguments)`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments
