"""The benchmark of forests on body signals: who is left out, what is held back, its floor on real data."""

import gzip
import importlib.util
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("FEDAFFECT_DATA", ROOT.parent / "shared" / "data"))


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


wesad_windows = load("wesad_windows")
load("wesad_page")
wesad_forest = load("wesad_forest")


def windows(people=3, each=14, columns=2, seed=0, **declared):
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(people), each)
    return wesad_windows.Windows(
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
    found = wesad_windows.read(file)
    np.testing.assert_array_equal(found.rows, [(1.5, 2.5, 3.5), (4, 5, 6)])
    np.testing.assert_array_equal(found.label, [1, 2])
    np.testing.assert_array_equal(found.subject, [2, 3])
    assert {n: f.tolist() for n, f in found.declared.items()} == {"smoker_YES": [False, True]}
    assert wesad_windows.read(file, "Resp_").rows.shape == (2, 2)


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

    found = wesad_forest.left_out(given, method, seed=0)
    assert seen == [{0, 1, 2, 3} - {person} for person in range(4)]
    np.testing.assert_array_equal(found.sum(axis=(0, 2, 3)), 14)
    np.testing.assert_array_equal(found.sum(axis=(1, 2, 3)), [4 * 10, 4 * 4])  # the first minutes
    assert found[..., 1:].sum() == 0
    seen.clear()
    wesad_forest.left_out(given, method, seed=0, clients=2)
    assert [len(others) for others in seen] == [2] * 4
    assert all(person not in others for person, others in enumerate(seen))


def test_small_groups_are_held_back_with_those_they_would_follow_from():
    given = windows(people=11, each=12, few=range(4), enough=range(5))
    found = {name: rest for name, *rest in wesad_forest.groups(given, seeds=1)}
    assert found["few"] == [4, 7, []]
    assert found["enough"][:2] == [5, 6]
    assert len(found["enough"][2]) == 2


def test_epsilon_by_hand():
    """ρ = ½ at noise 1: ½ + 2 √(½ · 11.5129)."""
    assert wesad_forest.epsilon(1.0) == pytest.approx(5.298, abs=1e-3)


def test_the_private_forest_tells_people_it_has_not_met():
    """Beside .533 for always saying baseline, and .333 balanced."""
    file = DATA / "wesad_wrist_30s.csv.gz"
    if not file.is_file():
        pytest.skip("no real body signals here: set FEDAFFECT_DATA or put them at ../shared/data")
    method = partial(wesad_forest.private, trees=50)
    accuracy, balanced = wesad_forest.mean_scores(wesad_windows.read(file), method, seeds=1)
    assert accuracy > 0.7
    assert balanced > 0.6
