import json
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedaffect.corpus import Provenance, store
from fedaffect.errors import UserError

COLUMNS = ("label", "person", "split", "conversation", "turn", "role")
FIELDS = ("name", "classes", "persons", "conversations", "provenance")


def assert_equal(left, right):
    for field in FIELDS:
        assert getattr(left, field) == getattr(right, field)
    pairs = [(getattr(left, c), getattr(right, c)) for c in COLUMNS]
    assert list(left.features) == list(right.features)
    pairs += [(a, right.features[m]) for m, a in left.features.items()]
    pairs += [(a, right.present[m]) for m, a in left.present.items()]
    assert (left.votes is None) == (right.votes is None)
    if left.votes is not None:
        pairs.append((left.votes, right.votes))
    for a, b in pairs:
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@given(data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_saved_is_loaded(data, make_corpus, tmp_path):
    conversations, turns = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    items = conversations * turns
    splits = data.draw(st.lists(st.integers(0, 2), min_size=conversations, max_size=conversations))
    corpus = make_corpus(conversations=conversations, turns=turns, splits=[0, *splits[1:]])
    modality = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
    features, present = {}, {}
    for name in data.draw(st.lists(modality, min_size=1, max_size=3, unique=True)):
        shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
        kind = data.draw(st.sampled_from([np.float16, np.float32, np.float64, np.uint8]))
        finite = {"allow_nan": False, "allow_infinity": False} if kind != np.uint8 else {}
        elements = hnp.from_dtype(np.dtype(kind), **finite)
        features[name] = data.draw(hnp.arrays(kind, (items, *shape), elements=elements))
        present[name] = data.draw(hnp.arrays(bool, items))
        present[name][0] = True
    corpus = replace(
        corpus,
        name=data.draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)),
        features=features,
        present=present,
        label=data.draw(hnp.arrays(np.int64, items, elements=st.integers(-1, 2))),
        provenance=Provenance("made up", "0" * 64, "hypothesis", pairing="label-matched"),
        votes=data.draw(st.none() | hnp.arrays(np.uint8, (items, len(corpus.classes)))),
    )
    store.save(corpus, tmp_path / "corpus")
    assert_equal(corpus, store.load(tmp_path / "corpus"))


@pytest.fixture
def stored(make_corpus, tmp_path):
    folder = tmp_path / "corpus"
    store.save(make_corpus(), folder)
    return folder


def test_nothing_else_is_left_behind(stored):
    assert sorted(p.name for p in stored.iterdir()) == ["arrays.safetensors", "corpus.json"]
    assert [p.name for p in stored.parent.iterdir()] == ["corpus"]


def test_folders_above_are_made_and_an_empty_one_is_used(make_corpus, tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    store.save(make_corpus(), folder)
    store.save(make_corpus(), tmp_path / "c" / "d")
    assert_equal(store.load(folder), store.load(tmp_path / "c" / "d"))


def test_a_corpus_is_replaced(stored, make_corpus):
    other = make_corpus(seed=1)
    store.save(other, stored)
    assert_equal(other, store.load(stored))
    assert [p.name for p in stored.parent.iterdir()] == ["corpus"]


def test_a_damaged_corpus_can_be_replaced(stored, make_corpus):
    (stored / store.ARRAYS).unlink()
    index = stored / store.INDEX
    index.write_text(index.read_text()[:150])
    store.save(make_corpus(), stored)
    assert_equal(make_corpus(), store.load(stored))


def test_a_failure_while_writing_leaves_the_old_corpus(stored, make_corpus, monkeypatch):
    def full(*_: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(store, "sha256_of", full)
    with pytest.raises(UserError, match=r"corpus: cannot be written: no space.*; make room"):
        store.save(make_corpus(seed=1), stored)
    monkeypatch.undo()
    assert_equal(make_corpus(), store.load(stored))
    assert [p.name for p in stored.parent.iterdir()] == ["corpus"]


def test_other_peoples_folders_and_files_are_never_touched(stored, make_corpus, tmp_path):
    (stored / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds something else \(notes\.txt\); name a new folder"):
        store.save(make_corpus(), stored)
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(UserError, match="a file is there"):
        store.save(make_corpus(), file)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / store.INDEX).write_text('{"corpus": "of another program"}')
    with pytest.raises(UserError, match="not written by fedaffect"):
        store.save(make_corpus(), theirs)
    assert file.read_text() == "mine"


def test_an_unsound_corpus_is_not_stored(make_corpus, tmp_path):
    corpus = make_corpus()
    with pytest.raises(UserError, match="label"):
        store.save(replace(corpus, label=corpus.label + 3), tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_not_a_corpus_folder(tmp_path):
    with pytest.raises(UserError, match=r"not a corpus folder \(no corpus\.json\)"):
        store.load(tmp_path)
    with pytest.raises(UserError, match="not a corpus folder"):
        store.load(tmp_path / "nothing")


@pytest.mark.parametrize("cut", [0, 5, -1])
def test_truncated_arrays(cut, stored):
    arrays = stored / store.ARRAYS
    arrays.write_bytes(arrays.read_bytes()[:cut])
    with pytest.raises(UserError, match=r"bytes instead of \d+; import the corpus again"):
        store.load(stored)


def test_altered_or_missing_arrays(stored):
    arrays = stored / store.ARRAYS
    content = bytearray(arrays.read_bytes())
    content[-1] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(UserError, match="SHA-256 differs"):
        store.load(stored)
    arrays.unlink()
    with pytest.raises(UserError, match=r"arrays\.safetensors: missing"):
        store.load(stored)


def altered(stored, change):
    table = json.loads((stored / store.INDEX).read_text())
    change(table)
    (stored / store.INDEX).write_text(json.dumps(table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(format="x"), "format: not `fedaffect conversation corpus`"),
        (lambda t: t.update(version=2), r"corpus\.json: version"),
        (lambda t: t.pop("persons"), r"corpus\.json: persons"),
        (lambda t: t.update(name=3), r"corpus\.json: name"),
        (lambda t: t.update(extra=3), r"corpus\.json: extra: no such setting"),
        (lambda t: t.update(items=21), r"label: int64\[20\] instead of int64\[21\]"),
        (lambda t: t["arrays"].update(sha256="0" * 63), r"corpus\.json: arrays\.sha256"),
        (lambda t: t["modalities"]["text"].update(shape=[5]), r"feature/text: float32\[20, 4\]"),
        (lambda t: t["modalities"]["text"].update(dtype="float16"), "instead of float16"),
        (lambda t: t["modalities"].pop("text"), "feature/text: stands only in one of"),
        (lambda t: t.update(persons=["one"]), "person: row 1 is 1, out of range for 1 names"),
        (lambda t: t.update(conversations=["one"]), "conversation: row 5 is 1, out of range"),
        (lambda t: t.update(classes=["one", "two"]), "with an unknown label, first 2"),
    ],
)
def test_an_altered_index(change, message, stored):
    altered(stored, change)
    with pytest.raises(UserError, match=message):
        store.load(stored)


@pytest.mark.parametrize("content", ["", "{", "[1]", '"text"', "[" * 100_000, "\ud800"])
def test_an_index_that_is_no_table(content, stored):
    (stored / store.INDEX).write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError, match=r"corpus\.json: "):
        store.load(stored)


@pytest.mark.parametrize("content", [b"", b"x" * 100, (2**40).to_bytes(8, "little") + b"{}"])
def test_arrays_that_are_no_safetensors(content, stored):
    arrays = stored / store.ARRAYS
    arrays.write_bytes(content)
    sizes = {"bytes": len(content), "sha256": store.sha256_of(arrays)}
    altered(stored, lambda table: table.update(arrays=sizes))
    with pytest.raises(UserError, match="not readable as safetensors"):
        store.load(stored)


def test_processes_share_one_copy_of_what_is_stored(make_corpus, tmp_path):
    store.save(make_corpus(), tmp_path / "corpus")
    corpus = store.load(tmp_path / "corpus")
    assert len(ForkingPickler.dumps(corpus)) < 4_000  # where the arrays lie, not what they hold
    again = ForkingPickler.loads(ForkingPickler.dumps(corpus))
    for name, array in corpus.features.items():
        assert isinstance(again.features[name], np.memmap)
        assert not again.features[name].flags.writeable
        np.testing.assert_array_equal(again.features[name], array)


def test_a_part_of_a_mapped_array_travels_as_numbers(make_corpus, tmp_path):
    store.save(make_corpus(), tmp_path / "corpus")
    part = store.load(tmp_path / "corpus").features["text"][3:5]
    again = ForkingPickler.loads(ForkingPickler.dumps(part))
    np.testing.assert_array_equal(again, part)
    assert not isinstance(again, np.memmap)


def test_another_process_sees_what_was_opened_whatever_is_there_now(make_corpus, tmp_path):
    """A corpus is imported anew between its opening and the start of a worker."""
    first, second = make_corpus(seed=1), make_corpus(seed=2)
    store.save(first, tmp_path / "corpus")
    kept = store.load(tmp_path / "corpus")
    sent = ForkingPickler.dumps(kept)
    store.save(second, tmp_path / "corpus")
    again = ForkingPickler.loads(sent)
    for name, array in first.features.items():
        np.testing.assert_array_equal(again.features[name], array)
