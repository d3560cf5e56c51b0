import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedaffect.corpus.subsets import copies_of_train
from fedaffect.errors import UserError
from fedaffect.importing import read
from fedaffect.studies.evaluate.class_mapping import same
from fedaffect.studies.evaluate.task import COPIES, make_task


def test_what_counts_and_what_is_left_out(task):
    """Labels in the order of the class_mapping classes: fun, rest, stress."""
    assert task.class_mapping.names == task.corpus.classes == ("fun", "rest", "stress")
    assert task.corpus.label.tolist() == [2, 1, 1, 0, -1, -1, -1]
    assert task.items == 4
    assert task.left_out == {"it has no label": 1, "class boredom": 1}
    assert task.conversations.tolist() == [0, 1, 2]  # seen whole, counted or not


def test_every_part(predicted, class_mapping):
    assert make_task(predicted, "dev", class_mapping, None).corpus.label.tolist() == [-1] * 6 + [0]
    assert make_task(predicted, "all", class_mapping, None).items == 5


def test_copies_count_only_where_the_item_did(predicted, class_mapping):
    copies = np.array([True, False, False, False, True, False, True])
    found = make_task(predicted, "test", class_mapping, copies)
    assert found.corpus.label.tolist() == [-1, 1, 1, 0, -1, -1, -1]
    assert found.left_out["a copy of it is in train"] == 1


def test_nothing_to_judge(predicted, class_mapping):
    with pytest.raises(
        UserError, match=r"predicted: split train: no item labelled fun or rest or stress "
    ):
        make_task(predicted, "train", class_mapping, None)
    bored = replace(predicted, label=np.zeros(7, np.int64))
    with pytest.raises(UserError, match=r"\(6 since class boredom\); choose another --split"):
        make_task(bored, "test", class_mapping, None)


def test_fer2013_without_its_copies():
    beside = Path(__file__).parents[3] / ".." / "shared" / "data"
    archive = Path(os.environ.get("FEDAFFECT_DATA", beside)) / "fer2013_ferplus_delta.npz"
    if not archive.is_file():
        pytest.skip("no real faces here: set FEDAFFECT_DATA or put them at ../shared/data")
    faces = read(archive)
    found = make_task(faces, "test", same(faces.classes, faces.classes), copies_of_train(faces))
    assert (found.items, found.left_out) == (3301, {COPIES: 288})
