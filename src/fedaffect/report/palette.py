"""Colours: Okabe and Ito's, safe for the colour-blind; never the only carrier of a meaning."""

from collections.abc import Sequence

ACCENT = "#1a6fd4"
ALARM = "#d55e00"

_BY_EMOTION = {
    "happy": "#e69f00",
    "happiness": "#e69f00",
    "joy": "#e69f00",
    "sad": "#0072b2",
    "sadness": "#0072b2",
    "neutral": "#98a2b3",
    "angry": "#d55e00",
    "anger": "#d55e00",
    "excited": "#cc79a7",
    "surprise": "#cc79a7",
    "frustrated": "#7b5fb5",
    "frustration": "#7b5fb5",
    "fear": "#009e73",
    "disgust": "#8a6d3b",
}
_OTHERS = (
    *("#e69f00", "#0072b2", "#009e73", "#d55e00", "#cc79a7"),
    *("#7b5fb5", "#56b4e9", "#98a2b3", "#8a6d3b", "#f0e442"),
)
_MODALITIES = ("#1a6fd4", "#56b4e9", "#009e73", "#e69f00", "#cc79a7", "#98a2b3")


def class_colours(classes: Sequence[str]) -> list[str]:
    """A colour a class: the emotion's own where it has one, else the next unused."""
    known = [_BY_EMOTION.get(name.lower()) for name in classes]
    free = [colour for colour in _OTHERS if colour not in known] or list(_OTHERS)
    chosen, taken = [], set()
    for colour in known:
        if colour is None or colour in taken:
            colour = free[0]
            free = [*free[1:], colour]
        taken.add(colour)
        chosen.append(colour)
    return chosen


def modality_colours(modalities: Sequence[str]) -> list[str]:
    """A colour a modality, by position."""
    return [_MODALITIES[i % len(_MODALITIES)] for i in range(len(modalities))]


def series_colours(number: int) -> list[str]:
    """Colours for so many lines of one picture, the most different ones first."""
    first = ("#1a6fd4", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#7b5fb5", "#56b4e9", "#98a2b3")
    return [first[i % len(first)] for i in range(number)]
