from hypothesis import given
from hypothesis import strategies as st

from fedaffect.report.palette import class_colours, modality_colours

IEMOCAP = ["happy", "sad", "neutral", "angry", "excited", "frustrated"]
MELD = ["neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"]


def test_the_fields_emotions_keep_their_colours_whatever_their_order() -> None:
    forward = dict(zip(IEMOCAP, class_colours(IEMOCAP), strict=True))
    backward = dict(zip(IEMOCAP[::-1], class_colours(IEMOCAP[::-1]), strict=True))
    assert forward == backward
    assert forward["sad"] == dict(zip(MELD, class_colours(MELD), strict=True))["sadness"]


@given(st.lists(st.sampled_from([*IEMOCAP, *MELD, "a", "b", "c"]), unique=True, max_size=6))
def test_few_classes_never_share_a_colour(classes: list[str]) -> None:
    assert len(set(class_colours(classes))) == len(classes)


def test_there_is_a_colour_for_any_number() -> None:
    assert len(class_colours([str(i) for i in range(40)])) == 40
    assert len(modality_colours(["x"] * 9)) == 9
