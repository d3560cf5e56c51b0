import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedaffect.corpus import formats
from fedaffect.corpus.subsets import copies_of_train
from fedaffect.errors import UserError
from fedaffect.studies.evaluate.class_mapping import same
from fedaffect.studies.evaluate.task import COPIES, ask


def test_what_counts_and_what_is_left_out(question):
    """Labels in the order of the common classes: fun, rest, stress."""
    assert question.common.names == question.corpus.classes == ("fun", "rest", "stress")
    assert question.corpus.label.tolist() == [2, 1, 1, 0, -1, -1, -1]
    assert question.items == 4
    assert question.left_out == {"it has no label": 1, "class boredom": 1}
    assert question.conversations.tolist() == [0, 1, 2]  # seen whole, counted or not


def test_every_part(answered, common):
    assert ask(answered, "dev", common, None).corpus.label.tolist() == [-1] * 6 + [0]
    assert ask(answered, "all", common, None).items == 5


def test_copies_count_only_where_the_item_did(answered, common):
    copies = np.array([True, False, False, False, True, False, True])
    found = ask(answered, "test", common, copies)
    assert found.corpus.label.tolist() == [-1, 1, 1, 0, -1, -1, -1]
    assert found.left_out["a copy of it is in train"] == 1


def test_nothing_to_judge(answered, common):
    with pytest.raises(
        UserError, match=r"answered: split train: no item labelled fun or rest or stress "
    ):
        ask(answered, "train", common, None)
    bored = replace(answered, label=np.zeros(7, np.int64))
    with pytest.raises(UserError, match=r"\(6 since class boredom\); choose another --split"):
        ask(bored, "test", common, None)


def test_fer2013_without_its_copies():
    beside = Path(__file__).parents[3] / ".." / "shared" / "data"
    archive = Path(os.environ.get("FEDAFFECT_DATA", beside)) / "fer2013_ferplus_delta.npz"
    if not archive.is_file():
        pytest.skip("no real faces here: set FEDAFFECT_DATA or put them at ../shared/data")
    faces = formats.read(archive)
    found = ask(faces, "test", same(faces.classes, faces.classes), copies_of_train(faces))
    assert (found.items, found.left_out) == (3301, {COPIES: 288})
