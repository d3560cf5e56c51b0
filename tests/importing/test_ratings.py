import pytest

from fedaffect.importing.ratings import emotion


@pytest.mark.parametrize(
    ("valence", "arousal", "name"),
    [
        (1, 1, "sad"),
        (4.49, 4.5, "miserable"),
        (1, 9, "angry"),
        (4.5, 4.49, "sleepy"),
        (5, 5, "neutral"),
        (5.5, 5.51, "tense"),
        (5.51, 1, "calm"),
        (9, 5.5, "happy"),
        (9, 9, "excited"),
    ],
)
def test_nine_zones(valence, arousal, name):
    assert emotion(valence, arousal, "nine") == name


def test_halves_and_quadrants():
    assert emotion(5, 5.1, "valence") == "low valence"
    assert emotion(5, 5.1, "arousal") == "high arousal"
    assert emotion(5, 5.1, "quadrants") == "low valence, high arousal"
