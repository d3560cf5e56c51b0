"""MELD's own tables: who says what with which emotion. Features come from beside them.

The three CSV files hold labels, names of speakers and splits. Features are taken from a feature pickle in the
same folder (its splits and anonymous speakers give way to the official ones), or from one `.npy` file a clip,
`MODALITY/SPLIT/dia0_utt0.npy`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fedaffect.corpus.formats import numpy_file
from fedaffect.corpus.formats.assemble import assemble, stacked
from fedaffect.corpus.formats.cells import Cell, indexed
from fedaffect.corpus.formats.families import MELD
from fedaffect.corpus.formats.origin import origin
from fedaffect.corpus.formats.tables import rows
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.errors import UserError
from fedaffect.importing.options import Options
from fedaffect.importing.readers.base import Reader
from fedaffect.importing.readers.conversation_pickle import ConversationPickle, together
from fedaffect.importing.source import Source
from fedaffect.schema import SPLITS, Array

FILES = {split: f"{split}_sent_emo.csv" for split in SPLITS}
COLUMNS = ("Dialogue_ID", "Utterance_ID", "Speaker", "Emotion")


@dataclass(frozen=True)
class Line:
    """One utterance of a table; `dialogue` is its number inside the split."""

    split: str
    dialogue: int
    utterance: int
    speaker: str
    label: str


class Meld(Reader):
    """The folder with MELD's tables, or one of them, which stands for all."""

    takes = ("family",)

    def recognises(self, source: Source) -> bool:
        names = [path.name for path in source.inside or (source.path,)]
        return not {*FILES.values()}.isdisjoint(names)

    def read(self, source: Source, options: Options) -> ConversationCorpus:
        source = source.folder
        folder = source.path
        lines = sorted(
            (line for split in SPLITS for line in _lines(folder / FILES[split], split)),
            key=lambda line: (SPLITS.index(line.split), line.dialogue, line.utterance),
        )
        dialogues = list(dict.fromkeys((line.split, line.dialogue) for line in lines))
        position = {dialogue: index for index, dialogue in enumerate(dialogues)}
        dialogue = np.array([position[line.split, line.dialogue] for line in lines])
        label = np.array([MELD.classes.index(line.label) for line in lines])
        files = [folder / file for file in FILES.values()]
        if source.pickles:
            corpus = ConversationPickle().read(source, options)
            _ensure_same(folder, corpus, dialogue, label, dialogues)
            features, present = corpus.features, corpus.present
            files += together(source)
            features_of = corpus.provenance.reader.partition(";")[0]
        else:
            features, present = _clips(folder, lines)
            features_of = f"{', '.join(features)} from one .npy a clip"

        speaker, people = indexed([line.speaker for line in lines])
        columns = {
            "label": label,
            "label_names": np.array(MELD.classes),
            "dialogue": dialogue,
            "dialogue_names": np.array([f"{split}-dia{n}" for split, n in dialogues]),
            "turn": np.array([line.utterance for line in lines]),
            "split": np.array([line.split for line in lines]),
            "speaker": speaker,
            "speaker_names": np.array(people),
        }
        reader = f"MELD tables: labels, speakers' names, official splits; features of {features_of}"
        return assemble(
            folder, columns, features, present, name=source.name, provenance=origin(files, reader)
        )


def _lines(file: Path, split: str) -> list[Line]:
    if not file.is_file():
        raise UserError(f"{file}: no such file; MELD has {', '.join(FILES.values())}")
    table = rows(file)
    for column in COLUMNS:
        if column not in table[0][1]:
            raise UserError(f"{file}: {column}: no such column; give MELD's own table")
    found = []
    for number, row in table:
        dialogue, utterance, speaker, emotion = (Cell(file, number, c, row[c]) for c in COLUMNS)
        label = replace(emotion, value=str(emotion.value).lower()).one_of(MELD.classes)
        found.append(Line(split, dialogue.index(), utterance.index(), speaker.name(), label))
    return found


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
    vectors = ((name, _clip(folder / name, folder.name)) for name in map(_clip_name, lines))
    found = stacked(folder, vectors, len(lines))
    if found is None:
        raise UserError(f"{folder}: no file is named like SPLIT/dia0_utt0.npy; rename them so")
    return found


def _clip_name(line: Line) -> str:
    return f"{line.split}/dia{line.dialogue}_utt{line.utterance}.npy"


def _clip(file: Path, modality: str) -> Array | None:
    return numpy_file.read_vector(file, modality) if file.exists() else None
