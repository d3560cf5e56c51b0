"""What clients keep for themselves, version by version."""

import numpy as np
import pytest

from fedaffect.federation.client.memory import MemoryStore


def value(number):
    return {
        "model/w": np.array([number], np.float32),
        "optimiser/w/step": np.array(number, np.float32),
    }


def content(memory):
    return float(memory["model/w"][0]) if memory else None


@pytest.fixture
def store(tmp_path):
    return MemoryStore(tmp_path / "memory")


def test_nothing_is_remembered_at_first(store):
    assert store.read(0, at=10) == {}


def test_the_newest_version_not_after_a_round_is_current(store):
    for number in (2, 5):
        store.write(0, number, value(number))
    assert [content(store.read(0, at=r)) for r in range(7)] == [None, None, 2, 2, 2, 5, 5]
    assert store.read(1, at=6) == {}


def test_memory_comes_back_to_the_bit(store):
    memory = {
        "model/w": np.array([[0.1, -0.0], [np.pi, 1e-40]], np.float32),
        "optimiser/w/step": np.array(3, np.float32),
    }
    store.write(7, 1, memory)
    back = store.read(7, at=1)
    assert {n: (a.shape, a.dtype.str, a.tobytes()) for n, a in back.items()} == {
        n: (a.shape, a.dtype.str, a.tobytes()) for n, a in memory.items()
    }


def test_an_empty_memory_leaves_no_file(store, tmp_path):
    store.write(0, 1, {})
    assert not (tmp_path / "memory").exists()


def test_a_round_done_again_replaces_its_version(store):
    store.write(0, 1, value(1))
    store.write(0, 1, value(9))
    assert content(store.read(0, at=1)) == 9


def test_rewind_drops_what_came_later(store):
    for client in (0, 1):
        for number in (1, 2, 3):
            store.write(client, number, value(number))
    store.rewind(2)
    assert [content(store.read(c, at=9)) for c in (0, 1)] == [2, 2]


def test_forget_keeps_what_kept_rounds_and_the_future_need(store, tmp_path):
    for number in (1, 3, 4, 6, 8):
        store.write(0, number, value(number))
    store.write(1, 1, value(1))
    store.forget([2, 5, 6], after=6)
    left = sorted(p.stem for p in (tmp_path / "memory" / "client-0000").iterdir())
    assert left == ["round-000001", "round-000004", "round-000006", "round-000008"]
    assert [content(store.read(0, at=r)) for r in (2, 5, 6, 9)] == [1, 4, 6, 8]
    assert content(store.read(1, at=6)) == 1  # selected once, long ago, and still its own


def test_a_write_cut_short_is_no_version(store, tmp_path):
    store.write(0, 1, value(1))
    (tmp_path / "memory" / "client-0000" / "round-000002.partial").write_bytes(b"half")
    assert content(store.read(0, at=2)) == 1
    store.rewind(0)
    assert store.read(0, at=2) == {}


def test_memories_are_for_the_client_alone(store):
    store.write(12, 1, value(12))
    store.write(1, 1, value(1))
    assert content(store.read(12, at=1)) == 12
    assert content(store.read(1, at=1)) == 1
    assert store.read(2, at=1) == {}
