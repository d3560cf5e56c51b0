"""Learnt decision fusion."""

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.inference.calibration import softmax
from fedaffect.inference.fusion import fuse
from fedaffect.inference.stacking import Stacking


def dataset(items=600, classes=3, seed=0, reliable=None):
    """Two modalities that err independently; probabilities, presence, labels."""
    random = np.random.default_rng(seed)
    label = random.integers(classes, size=items)
    reliable = reliable or {"body": 1.0, "face": 1.5}
    probability = {
        name: softmax(
            strength * (strength * np.eye(classes)[label] + random.normal(size=(items, classes)))
        )
        for name, strength in reliable.items()
    }
    return probability, {name: np.ones(items, bool) for name in probability}, label


def fused(rule, probability, present):
    return fuse(probability, present, rule=rule, pairing="recorded")


def test_fully_regularised_it_is_the_product_rule():
    probability, present, label = dataset()
    rule = Stacking.fit(probability, present, label, strength=1e12)
    np.testing.assert_allclose(
        fused(rule, probability, present).probability,
        fused("product", probability, present).probability,
        atol=1e-6,
    )


def test_the_minimum_has_no_slope():
    """The slope of Σ -log p + |W - I|² / 2 + |b|² / 2, taken by differences."""
    probability, present, label = dataset(items=80)
    rule = Stacking.fit(probability, present, label)

    def objective(shift, name, at):
        weight = {m: w.copy() for m, w in rule.weight.items()}
        bias = rule.bias.copy()
        (bias if name == "bias" else weight[name])[at] += shift
        found = fused(Stacking(weight, bias), probability, present).probability
        loss = -np.log(found[np.arange(len(label)), label]).sum()
        ridge = sum(((w - np.eye(3)) ** 2).sum() for w in weight.values()) + (bias**2).sum()
        return loss + ridge / 2

    for name, at in (("bias", 0), ("bias", 2), ("face", (0, 1)), ("body", (2, 2))):
        slope = (objective(1e-4, name, at) - objective(-1e-4, name, at)) / 2e-4
        assert slope == pytest.approx(0, abs=1e-3)


def test_learns_which_modality_to_trust():
    """The face is overconfident noise, the body is right: only `stacked` can learn that."""
    probability, present, label = dataset(items=1500, reliable={"body": 1.0, "face": 1.0})
    random = np.random.default_rng(1)
    probability["face"] = softmax(5 * random.normal(size=(len(label), 3)))
    dev, test = slice(0, 700), slice(700, None)
    on = [{m: p[part] for m, p in probability.items()} for part in (dev, test)]
    there = [{m: p[part] for m, p in present.items()} for part in (dev, test)]
    rule = Stacking.fit(on[0], there[0], label[dev])
    right = {
        str(name): (fused(r, on[1], there[1]).decision == label[test]).mean()
        for name, r in (("mean", "mean"), ("product", "product"), ("stacked", rule))
    }
    alone = (on[1]["body"].argmax(axis=1) == label[test]).mean()
    assert right["stacked"] > alone - 0.02
    assert right["stacked"] > max(right["mean"], right["product"]) + 0.1


def test_the_modality_with_most_evidence_has_the_largest_share():
    probability, present, label = dataset()
    sure, unsure = np.array([[0.98, 0.01, 0.01]]), np.full((1, 3), 1 / 3)
    rule = Stacking.fit(probability, present, label)
    here = {"face": np.array([True]), "body": np.array([True])}
    found = fused(rule, {"face": sure, "body": unsure}, here)
    assert found.share["face"][0] == pytest.approx(1)
    equal = fused(rule, {"face": unsure, "body": unsure}, here)
    assert equal.share["face"][0] == pytest.approx(0.5)


def test_also_where_classes_are_separable():
    label = np.array([0, 1, 2] * 5)
    certain = {"face": np.eye(3)[label]}
    rule = Stacking.fit(certain, {"face": np.ones(15, bool)}, label)
    assert np.isfinite(rule.weight["face"]).all()
    assert fused(rule, certain, {"face": np.ones(15, bool)}).decision.tolist() == label.tolist()


def test_invalid_arguments():
    probability, present, label = dataset(items=4)
    nothing = {m: p[:0] for m, p in probability.items()}
    with pytest.raises(UserError, match="no labelled item on dev"):
        Stacking.fit(nothing, {m: p[:0] for m, p in present.items()}, label[:0])
    with pytest.raises(UserError, match=r"fusion.strength: 0"):
        Stacking.fit(probability, present, label, strength=0)
    rule = Stacking.fit(probability, present, label)
    with pytest.raises(UserError, match="fitted on body, face"):
        fused(rule, {"face": probability["face"]}, {"face": present["face"]})
    with pytest.raises(UserError, match=r"leave fusion\.weights out"):
        fuse(probability, present, rule=rule, pairing="recorded", weights={"face": 1, "body": 1})
