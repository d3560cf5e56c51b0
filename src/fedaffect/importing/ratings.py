"""Ratings of valence and arousal, 1 to 9, as classes."""

from typing import Literal

Rated = Literal["nine", "quadrants", "valence", "arousal"]
"""`nine`: both cut at 4.5 and 5.5, the zones of Fed-ReMECS; the others cut above 5."""

NINE = (
    ("sad", "miserable", "angry"),
    ("sleepy", "neutral", "tense"),
    ("calm", "happy", "excited"),
)
"""By valence, low to high, and arousal, low to high (Nandi and Xhafa 2022)."""


def emotion(valence: float, arousal: float, classes: Rated | None = None) -> str:
    """The class of a film that was rated so; by default one of `nine`."""
    classes = classes or "nine"
    levels = {"valence": _two(valence), "arousal": _two(arousal)}
    if classes == "nine":
        return NINE[_zone(valence)][_zone(arousal)]
    if classes == "quadrants":
        return f"{levels['valence']} valence, {levels['arousal']} arousal"
    return f"{levels[classes]} {classes}"


def _zone(rating: float) -> int:
    """0 below 4.5, 2 above 5.5, 1 between."""
    return 0 if rating < 4.5 else 1 if rating <= 5.5 else 2


def _two(rating: float) -> str:
    return "high" if rating > 5 else "low"
