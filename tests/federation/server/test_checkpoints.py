"""States on disk: whole or not there."""

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.federation.server import checkpoints as module
from fedaffect.federation.server.checkpoints import Checkpoints, RunState


def state(number):
    return {"model/w": np.full(3, number, np.float32), "features/text/mean": np.zeros(2)}


def run_state(number, best=0):
    return RunState(number, {1: 0.1, number: 1 / 3}, best, 0.25, [number, 0], 10, 20, 1)


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def test_a_checkpoint_comes_back(checkpoints):
    checkpoints.save(run_state(2), state(2))
    found, tensors = checkpoints.load(2)
    assert found == run_state(2)
    assert {n: a.tobytes() for n, a in tensors.items()} == {
        n: a.tobytes() for n, a in state(2).items()
    }


def test_an_empty_state_is_a_state(checkpoints):
    checkpoints.save(run_state(0), {})
    assert checkpoints.load(0) == (run_state(0), {})


def test_the_last_two_and_the_best_stay(checkpoints):
    left = []
    for number, best in ((0, 0), (1, 1), (2, 2), (3, 2), (4, 2), (5, 2), (6, 6), (7, 6)):
        checkpoints.save(run_state(number, best), state(number))
        left.append(checkpoints.rounds())
    assert left == [[0], [0, 1], [1, 2], [2, 3], [2, 3, 4], [2, 4, 5], [5, 6], [6, 7]]
    assert checkpoints.kept(run_state(7, 6)) == [6, 7]


def test_saving_a_round_again_replaces_it(checkpoints):
    checkpoints.save(run_state(1), state(1))
    checkpoints.save(run_state(1), state(9))
    assert checkpoints.load(1)[1]["model/w"][0] == 9


def test_a_partial_folder_is_ignored_and_cleared_away(checkpoints, tmp_path):
    checkpoints.save(run_state(1), state(1))
    partial = tmp_path / "checkpoints" / "partial-round-000002"
    partial.mkdir()
    (partial / "state.safetensors").write_bytes(b"half")
    assert checkpoints.rounds() == [1]
    checkpoints.save(run_state(2), state(2))
    assert not partial.exists()
    assert checkpoints.rounds() == [1, 2]


@pytest.mark.parametrize("calls", range(3))
def test_a_crash_while_writing_leaves_what_was_there(checkpoints, monkeypatch, calls):
    """The crash comes at the first, second or third flush to disk, all before the rename."""
    checkpoints.save(run_state(1), state(1))
    done = []

    def crash(path):
        done.append(path)
        if len(done) > calls:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "_flush", crash)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(run_state(2), state(2))
    assert checkpoints.rounds() == [1]
    assert checkpoints.load(1)[0] == run_state(1)


def test_what_is_no_checkpoint_is_not_counted(checkpoints, tmp_path):
    checkpoints.save(run_state(1), state(1))
    (tmp_path / "checkpoints" / "round-of-mine").mkdir()
    assert checkpoints.rounds() == [1]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run_state.json", b"{"),
        ("run_state.json", b"[]"),
        ("run_state.json", b'{"dev_scores": {"x": 1}}'),
        ("run_state.json", b'{"dev_scores": {}, "colour": 1}'),
        ("run_state.json", b"\xff"),
        ("run_state.json", None),
        ("state.safetensors", b"half"),
        ("state.safetensors", None),
    ],
)
def test_a_damaged_checkpoint_is_named(checkpoints, tmp_path, file, content):
    checkpoints.save(run_state(1), state(1))
    path = tmp_path / "checkpoints" / "round-000001" / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=r"round-000001.* cannot be read"):
        checkpoints.load(1)
