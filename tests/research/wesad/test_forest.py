"""The study of forests on body signals: who is left out, what is held back, its floor on real data."""

import gzip
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fedaffect.inference.forest import joined
from fedaffect.learning.forest.counts import leaf_counts, undecided, with_counts
from research.wesad import forest, methods, prequential
from research.wesad.windows import Windows, read

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("FEDAFFECT_DATA", ROOT.parent / "shared" / "data"))


def windows(people=3, each=14, columns=2, seed=0, **declared):
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(people), each)
    return Windows(
        random.normal(size=(people * each, columns)).astype(np.float32),
        random.integers(0, 3, people * each),
        subject,
        {name: np.isin(subject, who) for name, who in declared.items()},
    )


def test_what_identifies_a_subject_is_no_feature(tmp_path):
    file = tmp_path / "made.csv.gz"
    with gzip.open(file, "wt") as text:
        text.write("subject,label,label_name,net_acc_mean,ACC_x_mean,BVP_mean,Resp_mean,TEMP_mean,")
        text.write("age,height,weight,smoker_YES\n")
        text.write("2,1,baseline,9,9,1.5,2.5,3.5,27,175,80,0\n3,2,stress,9,9,4,5,6,30,180,70,1\n")
    found = read(file)
    np.testing.assert_array_equal(found.rows, [(1.5, 2.5, 3.5), (4, 5, 6)])
    np.testing.assert_array_equal(found.label, [1, 2])
    np.testing.assert_array_equal(found.subject, [2, 3])
    assert {n: f.tolist() for n, f in found.declared.items()} == {
        "smoker_YES": [False, True],
        "age above 28.5": [False, True],
        "height above 177.5": [False, True],
        "weight above 75": [True, False],
    }
    assert read(file, "Resp_").rows.shape == (2, 2)


def test_a_baseline_is_of_the_first_minutes_of_oneself():
    """Whatever comes later, and whatever others do, changes nothing of it."""
    given = windows()
    before = given.relative().rows
    own = before[given.subject == 1]
    np.testing.assert_allclose(own[:10].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(own[:10].std(axis=0), 1, rtol=1e-4)
    given.rows[~((given.subject == 1) & given.first)] += 5
    after = given.relative().rows[given.subject == 1]
    np.testing.assert_array_equal(own[:10], after[:10])


def test_who_is_judged_was_never_learnt_from():
    given, seen = windows(people=4), []

    def method(train, classes, seed):
        seen.append(set(train.people.tolist()))
        assert abs(train.rows.mean()) < 1e-6  # scaled by those who learn
        return [lambda rows: np.tile([1.0, 0, 0], (len(rows), 1))]

    found = forest.left_out(given, method, seed=0)
    assert seen == [{0, 1, 2, 3} - {person} for person in range(4)]
    np.testing.assert_array_equal(found.sum(axis=(0, 2, 3)), 14)
    np.testing.assert_array_equal(found.sum(axis=(1, 2, 3)), [4 * 10, 4 * 4])  # the first minutes
    assert found[..., 1:].sum() == 0
    seen.clear()
    forest.left_out(given, method, seed=0, clients=2)
    assert [len(others) for others in seen] == [2] * 4
    assert all(person not in others for person, others in enumerate(seen))


def test_small_groups_are_held_back_with_those_they_would_follow_from():
    given = windows(people=11, each=12, few=range(4), enough=range(5))
    found = {name: rest for name, *rest in forest.groups(given, seeds=1)}
    assert found["few"] == [4, 7, []]
    assert found["enough"][:2] == [5, 6]
    assert len(found["enough"][2]) == 2


def test_epsilon_by_hand():
    """ρ = ½ at noise 1: ½ + 2 √(½ · 11.5129)."""
    assert forest.epsilon(1.0) == pytest.approx(5.298, abs=1e-3)


def test_bagging_is_its_trees_with_everybodys_counts():
    """One client is all: as many trees, grown and counted on the same windows."""
    given = windows(people=2, each=40)
    (predict,) = methods.bagging(given, 3, seed=1, trees=4)
    trees = undecided(joined(list(methods.of_clients(given, 3, 4, seed=1))))
    everything = leaf_counts(trees, given.rows, given.label, 64)
    expected = with_counts(trees, everything, smoothing=1, sharpness=4).predict(given.rows)
    np.testing.assert_allclose(predict(given.rows), expected, rtol=1e-6)


def test_how_long_a_condition_has_lasted():
    """Windows are half a minute; the stretches end after 1, 3 and 6."""
    label = np.repeat([1, 2, 0], [14, 3, 1])
    expected = [0] * 2 + [1] * 4 + [2] * 6 + [3] * 2 + [0, 0, 1] + [0]
    np.testing.assert_array_equal(prequential.lasting(label), expected)


def test_the_label_before_by_hand():
    others, own = windows(people=1), windows(people=1)
    label = np.array([2] * 8 + [1] * 6)
    found = prequential.previous_label(replace(others, label=label), replace(own, label=label), 0)
    np.testing.assert_array_equal(found, [2, *label[:-1]])


def test_a_forest_that_never_learns_is_the_one_it_began_as():
    given = windows(people=3, each=20)
    train, own = (given.only(flags) for flags in (given.subject > 0, given.subject == 0))
    (predict,) = methods.private(train, 3, seed=2)
    found = prequential.federated(train, own, seed=2, weight=0)
    np.testing.assert_array_equal(found, predict(own.rows).argmax(axis=1))
    assert (prequential.federated(train, own, seed=2, weight=9) != found).any()


def test_the_private_forest_tells_people_it_has_not_met():
    """Beside .533 for always saying baseline, and .333 balanced."""
    file = DATA / "wesad_wrist_30s.csv.gz"
    if not file.is_file():
        pytest.skip("no real body signals here: set FEDAFFECT_DATA or put them at ../shared/data")
    method = partial(methods.private, trees=50)
    accuracy, balanced = forest.mean_scores(read(file), method, seeds=1)
    assert accuracy > 0.7
    assert balanced > 0.6
