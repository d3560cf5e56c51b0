import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.studies.evaluate.class_mapping import ClassFile, mapped, read_mapping, same

FACES = ("angry", "fear", "happy", "neutral")
BODIES = ("amusement", "baseline", "stress")
TO_BODIES = {"angry": "stress", "fear": "stress", "happy": "amusement", "neutral": "baseline"}


def test_classes_of_the_same_names_in_another_order():
    found = same(("a", "b", "c"), ("c", "a", "b"))
    assert found.names == ("a", "b", "c")
    assert found.of_labels.labels(np.array([0, 1, 2])).tolist() == [2, 0, 1]
    assert found.of_model.labels(np.array([0, 1, 2])).tolist() == [0, 1, 2]


def test_other_names_have_to_be_explained():
    with pytest.raises(
        UserError, match=r"model's classes are a, b, the corpus's a, c; say .*--classes"
    ):
        same(("a", "b"), ("a", "c"))


def test_several_classes_of_a_model_for_one_of_a_corpus(tmp_path):
    found = mapped(FACES, BODIES, ClassFile(classes=TO_BODIES), tmp_path)
    assert found.names == BODIES
    assert found.of_model.index.tolist() == [2, 2, 0, 1]
    assert found.of_labels.index.tolist() == [0, 1, 2]


def test_what_is_not_named_is_left_out_on_both_sides(tmp_path):
    found = mapped(
        FACES, BODIES, ClassFile(classes={"angry": "stress", "happy": "amusement"}), tmp_path
    )
    assert found.names == ("amusement", "stress")
    assert found.of_model.index.tolist() == [1, -1, 0, -1]
    assert found.of_labels.index.tolist() == [0, -1, 1]


def test_several_classes_of_a_corpus_for_one_of_a_model(tmp_path):
    """RAVDESS tells calm from neutral, a model may not."""
    table = ClassFile(labels={"calm": "neutral", "neutral": "neutral", "happy": "happy"})
    found = mapped(FACES, ("neutral", "calm", "happy", "sad"), table, tmp_path)
    assert found.names == ("neutral", "happy")
    assert found.of_labels.index.tolist() == [0, 0, 1, -1]
    assert found.of_model.index.tolist() == [-1, -1, 1, 0]


def test_both_sides_may_meet_at_names_that_neither_has(tmp_path):
    table = ClassFile(
        classes={"angry": "bad", "fear": "bad", "happy": "good"},
        labels={"stress": "bad", "amusement": "good"},
    )
    found = mapped(FACES, BODIES, table, tmp_path)
    assert found.names == ("bad", "good")
    assert found.of_model.index.tolist() == [0, 0, 1, -1]
    assert found.of_labels.index.tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"classes": {"angri": "stress"}},
            "classes: `angri` is no class of the model; choose of angry",
        ),
        (
            {"classes": {"angry": "panic"}},
            "classes: nothing to meet at `panic`; choose of amusement, b",
        ),
        (
            {"labels": {"panic": "angry"}},
            "labels: `panic` is no class of the corpus; choose of amus",
        ),
        (
            {"labels": {"stress": "angri"}},
            "labels: nothing to meet at `angri`; choose of angry, fear",
        ),
        ({"classes": {"angry": "stress"}}, r"1 classes in common \(stress\); name two or more"),
        (
            {"classes": {"angry": "a"}, "labels": {"stress": "b"}},
            "classes: nothing to meet at `a`; choose of b",
        ),
    ],
)
def test_tables_that_do_not_fit(table, message, tmp_path):
    with pytest.raises(UserError, match=f"map.toml: {message}"):
        mapped(FACES, BODIES, ClassFile(**table), tmp_path / "map.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "map.toml: no such file"),
        ("", "map.toml: says nothing; write a table .classes."),
        ("[classes]\nangry = 3", "map.toml: classes.angry: "),
        ("[clases]\nangry = 'x'", "map.toml: clases: no such setting; known here: classes, labels"),
        ("[classes", "map.toml: not valid TOML"),
    ],
)
def test_files_that_say_something_else(text, message, tmp_path):
    file = tmp_path / "map.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_mapping(file)


def test_a_file(tmp_path):
    file = tmp_path / "map.toml"
    file.write_text("[classes]\nangry = 'stress'\n")
    assert read_mapping(file) == ClassFile(classes={"angry": "stress"})
