"""MELD's own tables: who says what with which emotion. Features come from beside them.

The three CSV files hold labels, names of speakers and splits. Features are taken from a feature pickle in the
same folder (its splits and anonymous speakers give way to the official ones), or from one `.npy` file a clip,
`MODALITY/SPLIT/dia0_utt0.npy`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats import npy_file
from fedaffect.corpus.formats.assemble import assemble
from fedaffect.corpus.formats.families import MELD
from fedaffect.corpus.formats.feature_files import Loaded
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.formats.tables import Row, rows
from fedaffect.corpus.schema import SPLITS, Array, ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.readers import conversation_pickle

FILES = {split: f"{split}_sent_emo.csv" for split in SPLITS}
COLUMNS = ("Dialogue_ID", "Utterance_ID", "Speaker", "Emotion")
MAXIMUM_BYTES = 2**33
MAXIMUM_NAME = 500


@dataclass(frozen=True)
class Line:
    """One utterance of a table; `dialogue` is its number inside the split."""

    split: str
    dialogue: int
    utterance: int
    speaker: str
    label: int


def read(
    folder: Path,
    pickles: Sequence[Loaded],
    *,
    name: str,
    seed: int = 0,
    family: str | None = None,
) -> ConversationCorpus:
    """Read the three tables and the features beside them.

    Args:
        pickles: the feature pickles of the folder, each with what `unpickler.load` found in it.
        seed, family: as for `conversation_pickle.read`.

    Raises:
        UserError: a table or column that lacks, a cell that means nothing, no features, or features of
            other utterances.
    """
    lines = sorted(
        (line for split in SPLITS for line in _lines(folder / FILES[split], split)),
        key=lambda line: (SPLITS.index(line.split), line.dialogue, line.utterance),
    )
    dialogues = list(dict.fromkeys((line.split, line.dialogue) for line in lines))
    position = {dialogue: index for index, dialogue in enumerate(dialogues)}
    dialogue = np.array([position[line.split, line.dialogue] for line in lines])
    label = np.array([line.label for line in lines])
    files = [folder / file for file in FILES.values()]
    if pickles:
        corpus = conversation_pickle.read(pickles, name=name, seed=seed, family=family)
        _ensure_same(folder, corpus, dialogue, label, dialogues)
        features, present = corpus.features, corpus.present
        files += [file for file, _ in pickles]
        source = f"features of {corpus.provenance.reader.partition(';')[0]}"
    else:
        features, present = _clips(folder, lines)
        source = f"features of {', '.join(features)} from one .npy a clip"

    people = sorted({line.speaker for line in lines})
    number = {person: index for index, person in enumerate(people)}
    columns = {
        "label": label,
        "label_names": np.array(MELD.classes),
        "dialogue": dialogue,
        "dialogue_names": np.array([f"{split}-dia{n}" for split, n in dialogues]),
        "turn": np.array([line.utterance for line in lines]),
        "split": np.array([line.split for line in lines]),
        "speaker": np.array([number[line.speaker] for line in lines]),
        "speaker_names": np.array(people),
    }
    reader = f"MELD tables: labels, speakers' names, official splits; {source}"
    return assemble(folder, columns, features, present, name=name, provenance=origin(files, reader))


def _lines(file: Path, split: str) -> list[Line]:
    if not file.is_file():
        raise UserError(f"{file}: no such file; MELD has {', '.join(FILES.values())}")
    table = rows(file)
    for column in COLUMNS:
        if column not in table[0][1]:
            raise UserError(f"{file}: {column}: no such column; give MELD's own table")
    found = []
    for number, row in table:
        where = f"{file}: line {number}"
        emotion, speaker = str(row["Emotion"]).strip().lower(), str(row["Speaker"]).strip()
        if emotion not in MELD.classes:
            raise UserError(
                f"{where}: Emotion: {emotion[:20]!r}; use one of {', '.join(MELD.classes)}"
            )
        if not 0 < len(speaker) <= MAXIMUM_NAME:
            raise UserError(f"{where}: Speaker: {len(speaker)} letters; give a name")
        dialogue, utterance = (_number(where, row, c) for c in ("Dialogue_ID", "Utterance_ID"))
        found.append(Line(split, dialogue, utterance, speaker, MELD.classes.index(emotion)))
    return found


def _number(where: str, row: Row, column: str) -> int:
    text = str(row[column]).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UserError(f"{where}: {column}: {text[:20]!r} is no number; mend the cell")
    return int(text)


def _ensure_same(
    folder: Path,
    corpus: ConversationCorpus,
    dialogue: Array,
    label: Array,
    dialogues: Sequence[tuple[str, int]],
) -> None:
    """Files number dialogues differently, but in one order; that it is the same, their labels must show."""
    if len(corpus.conversations) != len(dialogues):
        raise UserError(
            f"{folder}: {len(dialogues)} dialogues in the tables, {len(corpus.conversations)} in the "
            "pickle; give a pickle of the whole of MELD, or one .npy a clip (docs/corpora.md)"
        )
    for index, (split, number) in enumerate(dialogues):
        if label[dialogue == index].tolist() != corpus.label[corpus.rows(index)].tolist():
            raise UserError(
                f"{folder}: {FILES[split]}: dialogue {number}: its emotions are not those of dialogue "
                f"`{corpus.conversations[index]}` of the pickle; give features of these utterances"
            )


def _clips(folder: Path, lines: Sequence[Line]) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Features and presence by modality, from `MODALITY/SPLIT/dia0_utt0.npy`."""
    streams = sorted(path.name for path in folder.iterdir() if (path / SPLITS[0]).is_dir())
    if not streams:
        raise UserError(
            f"{folder}: MELD's tables hold labels and speakers but no features; put a feature pickle of MELD "
            f"beside them, or one vector a clip, MODALITY/{SPLITS[0]}/dia0_utt0.npy (docs/corpora.md)"
        )
    features, present = {}, {}
    for stream in streams:
        features[stream], present[stream] = _stream(folder / stream, lines)
    return features, present


def _stream(folder: Path, lines: Sequence[Line]) -> tuple[Array, Array]:
    """float32 [items, width] with zeros where a clip has no file, and bool [items]: where it has one."""
    present = np.zeros(len(lines), bool)
    values = np.zeros((len(lines), 0), np.float32)
    for row, line in enumerate(lines):
        file = folder / line.split / f"dia{line.dialogue}_utt{line.utterance}.npy"
        if not file.exists():
            continue
        vector = npy_file.read_vector(file, str(folder.name))
        if not present.any():
            if 4 * len(vector) * len(lines) > MAXIMUM_BYTES:
                raise UserError(f"{file}: {len(vector)} wide; too much for memory")
            values = np.zeros((len(lines), len(vector)), np.float32)
        if len(vector) != values.shape[1]:
            raise UserError(f"{file}: {len(vector)} wide, but others are {values.shape[1]} wide")
        with np.errstate(over="ignore"):
            values[row], present[row] = vector, True
    if not present.any():
        raise UserError(f"{folder}: no file is named like SPLIT/dia0_utt0.npy; rename them so")
    return values, present
