"""Corrupted batches and corpora: laws that hold for every row of the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.corruption import (
    CORRUPTIONS,
    SEVERITIES,
    augmented,
    corrupt,
    corrupted,
    lost,
)
from fedaffect.corpus.schema import Corpus, Provenance
from fedaffect.errors import UserError
from fedaffect.randomness import generator

IMAGE = [name for name, c in CORRUPTIONS.items() if c.applies_to == "image"]
SIGNAL = [name for name, c in CORRUPTIONS.items() if c.applies_to == "signal"]
ITEMS = 24


def pictures(count=ITEMS, side=48, seed=0):
    """uint8 [count, side, side]: clouds, with bright and dark, coarse and fine in them."""
    random = generator(seed, "pictures")
    found = np.zeros((count, side, side))
    for size in (3, 6, 12, 24):
        coarse = random.normal(size=(count, size, size)) / np.sqrt(size)
        cells = np.arange(side) * size // side
        found += coarse[:, cells][:, :, cells]
    found = (found - found.mean()) / found.std()
    return np.clip(128 + 45 * found, 0, 255).astype(np.uint8)


def signals(count=ITEMS, time=120, channels=3):
    steps = generator(0, "signals").normal(size=(count, time, channels)).cumsum(axis=1)
    return ((steps - steps.mean()) / steps.std()).astype(np.float32)


def features(count=ITEMS, columns=12):
    return generator(0, "features").normal(size=(count, columns))


def batch(name):
    return pictures() if name in IMAGE else signals()


ROWS = np.arange(ITEMS)
BATCHES = [(name, pictures) for name in IMAGE] + [
    (name, make) for name in SIGNAL for make in (signals, features)
]


def distance(one, other):
    """Root mean square difference of each item: of pixels 0..255, or of deviations; float64 [n]."""
    return np.sqrt(((one.astype(np.float64) - other) ** 2).reshape(len(one), -1).mean(axis=1))


# --- severity ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "make"), BATCHES)
def test_each_severity_is_farther_from_the_original(name, make):
    """In the mean over items always; nearly every item too, since it is corrupted further in the same way."""
    values = make()
    found = np.array(
        [
            distance(values, corrupt(values, name, s, seed=1, item=ROWS))
            for s in range(SEVERITIES + 1)
        ]
    )
    assert (found[0] == 0).all()
    mean = found.mean(axis=1)
    assert (np.diff(mean) > 0.02 * mean[-1]).all()
    assert (np.diff(found, axis=0) >= 0).mean() > 0.85


def test_more_is_lost_at_each_severity_and_never_found_again():
    found = np.array([lost(s, seed=1, item=np.arange(800)) for s in range(SEVERITIES + 1)])
    assert not (found[:-1] & ~found[1:]).any()
    np.testing.assert_allclose(found.mean(axis=1), (0, *CORRUPTIONS["drop-out"].amount), atol=0.04)


def test_amounts_in_the_table_increase():
    for corruption in CORRUPTIONS.values():
        assert len(corruption.amount) == SEVERITIES
        assert min(np.diff((0, *corruption.amount))) > 0


# --- random numbers -------------------------------------------------------------------------------


@given(st.sampled_from(BATCHES), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_an_item_is_corrupted_alike_alone_and_in_any_batch(pair, severity, seed):
    name, make = pair
    values = make()
    whole = corrupt(values, name, severity, seed=seed, item=ROWS)
    some = generator(seed, "some").permutation(ITEMS)[:7]
    part = corrupt(values[some], name, severity, seed=seed, item=some)
    np.testing.assert_array_equal(part, whole[some])
    assert not np.array_equal(corrupt(values, name, severity, seed=seed + 1, item=ROWS), whole)
    assert whole.dtype == values.dtype
    assert np.isfinite(whole).all()


@pytest.mark.parametrize("name", [*IMAGE, *SIGNAL])
def test_each_item_of_a_batch_at_its_own_severity(name):
    values, severity = batch(name), ROWS % 6
    found = corrupt(values, name, severity, seed=0, item=ROWS)
    for s in range(SEVERITIES + 1):
        rows = severity == s
        alone = corrupt(values[rows], name, s, seed=0, item=ROWS[rows])
        np.testing.assert_array_equal(found[rows], alone)


def test_what_was_given_is_left_alone():
    values = pictures()
    before = values.copy()
    corrupt(values, "dark", 5, seed=0, item=ROWS)
    augmented(values, seed=0, item=ROWS)
    np.testing.assert_array_equal(values, before)


def test_of_nothing_comes_nothing():
    nothing = ROWS[:0]
    assert corrupt(pictures()[:0], "dark", 5, seed=0, item=nothing).shape == (0, 48, 48)
    assert lost(5, seed=0, item=nothing).shape == (0,)
    assert augmented(pictures()[:0], seed=0, item=nothing).shape == (0, 48, 48)


# --- deviations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIGNAL)
def test_amounts_count_deviations_whatever_the_unit(name):
    """In kelvin or millivolts, the same happens; and a column that never varies stays."""
    values = features()
    centre, scale = np.linspace(-50, 300, 12), np.linspace(0, 7, 12)
    standard = corrupt(values, name, 3, seed=0, item=ROWS)
    found = corrupt(centre + scale * values, name, 3, seed=0, item=ROWS, centre=centre, scale=scale)
    np.testing.assert_allclose(found[:, 1:], (centre + scale * standard)[:, 1:], atol=1e-3)
    np.testing.assert_array_equal(found[:, 0], centre[0])


# --- corpora -------------------------------------------------------------------------------------


def corpus():
    split = ROWS % 3
    return Corpus(
        name="cars",
        classes=("a", "b"),
        features={"face": pictures(), "body": 10 + 3 * features()},
        present={"face": ROWS % 4 != 0, "body": ROWS % 5 != 0},
        label=ROWS % 2,
        person=split,
        persons=("x", "y", "z"),
        split=split,
        provenance=Provenance("tests", "0" * 64, "tests", synthetic=True),
    )


@pytest.mark.parametrize(("modality", "name"), [("face", "dark"), ("body", "displacement")])
def test_one_modality_of_one_split_is_corrupted(modality, name):
    before = corpus()
    after = corrupted(before, modality, name, 4, seed=0)
    other = {"face": "body", "body": "face"}[modality]
    assert after.features[other] is before.features[other]
    changed = (after.features[modality] != before.features[modality]).reshape(ITEMS, -1).any(axis=1)
    assert np.array_equal(changed, before.items_in("test"))
    assert np.array_equal(after.present[modality], before.present[modality])


def test_deviations_are_those_of_train_where_it_is_present():
    before = corpus()
    train = before.features["body"][before.items_in("train") & before.present["body"]]
    rows = np.flatnonzero(before.items_in("dev"))
    by_hand = corrupt(
        before.features["body"][rows],
        "sensor noise",
        2,
        seed=5,
        item=rows,
        centre=train.mean(axis=0),
        scale=train.std(axis=0),
    )
    found = corrupted(before, "body", "sensor noise", 2, seed=5, split="dev")
    np.testing.assert_array_equal(found.features["body"][rows], by_hand)


@pytest.mark.parametrize("modality", ["face", "body"])
def test_drop_out_takes_presence_of_anything(modality):
    before = corpus()
    after = corrupted(before, modality, "drop-out", 5, seed=0)
    test = before.items_in("test")
    gone = before.present[modality] & ~after.present[modality]
    assert 0 < gone.sum() < test.sum()
    assert not (gone & ~test).any()
    assert not (after.present[modality] & ~before.present[modality]).any()
    assert after.features[modality] is before.features[modality]


# --- augmentation --------------------------------------------------------------------------------


def test_half_of_the_images_are_corrupted_in_all_ways_and_not_too_severely():
    values = np.repeat(pictures(count=1), 300, axis=0)
    item = np.arange(300)
    found = augmented(values, seed=0, item=item, severest=2)
    changed = distance(values, found) > 0
    assert 0.42 < changed.mean() < 0.58
    expected = [
        {corrupt(values[:1], name, s, seed=0, item=item[i : i + 1]).tobytes() for s in (1, 2)}
        for name in IMAGE
        for i in np.flatnonzero(changed)[:20]
    ]
    seen = [found[i].tobytes() for i in np.flatnonzero(changed)[:20]]
    by_way = np.array(
        [picture in e for e, picture in zip(expected, seen * len(IMAGE), strict=True)]
    )
    assert (by_way.reshape(len(IMAGE), 20).sum(axis=0) == 1).all()
    assert (by_way.reshape(len(IMAGE), 20).sum(axis=1) > 0).all()


def test_augmentation_is_of_the_item_and_the_seed():
    values = pictures()
    whole = augmented(values, seed=3, item=ROWS)
    np.testing.assert_array_equal(augmented(values[5:9], seed=3, item=ROWS[5:9]), whole[5:9])
    assert not np.array_equal(augmented(values, seed=4, item=ROWS), whole)


# --- what it refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "name", "severity", "complaint"),
    [
        (pictures(1), "fog", 1, "`fog` is unknown; use one of dark"),
        (pictures(1), "dark", 6, "severity: 6; give 0 to 5"),
        (pictures(1), "dark", np.array([-1]), "give 0 to 5"),
        (pictures(1), "movement", 1, r"`movement` is for signals .* not for uint8\[48, 48\]"),
        (signals(1), "dark", 1, r"`dark` is for images .* not for float32\[120, 3\]"),
        (pictures(1).astype(float), "hand", 1, "`hand` is for images"),
        (signals(1), "drop-out", 1, "use `lost`"),
    ],
)
def test_what_cannot_be_corrupted(values, name, severity, complaint):
    with pytest.raises(UserError, match=complaint):
        corrupt(values, name, severity, seed=0, item=np.array([0]))


def test_a_modality_that_is_not_there():
    with pytest.raises(UserError, match="no modality `voice`"):
        corrupted(corpus(), "voice", "dark", 1, seed=0)
    with pytest.raises(UserError, match="give 0 to 5"):
        corrupted(corpus(), "face", "drop-out", 9, seed=0)
