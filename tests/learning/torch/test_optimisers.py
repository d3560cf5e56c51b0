"""Corrected gradients, frozen parameters and uncompleted epochs: what algorithms ask of a learner."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.experiment import Experiment, Training
from fedaffect.learning.learner import FitOptions, GradientCorrection
from fedaffect.learning.torch.optimisers import (
    GradientCorrector,
    drop_zero_gradients,
    optimiser_for,
    state_of,
)
from fedaffect.learning.torch.trainer import ConversationTrainer


@pytest.fixture(scope="module")
def corpus(make_corpus):
    return make_corpus(conversations=6, turns=5)


def fitted(corpus, *settings, start=None, **arguments):
    small = ["model.width=8", "model.heads=2", "training.batch_size=2", "model.dropout=0"]
    learner = ConversationTrainer(corpus, Experiment().with_settings([*small, *settings]))
    if start is not None:
        learner.set(start)
    fit = learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=1, **arguments))
    return fit, learner.get()


def moved(before, after):
    return {name for name in before if not np.array_equal(before[name], after[name])}


def parameter(*values):
    return Parameter(torch.tensor(values))


SGD = ("training.optimiser=sgd", "training.learning_rate=0.5", "training.weight_decay=0")


# --- one parameter, by hand ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gradient", "correction", "corrected"),
    [
        ([1.0, -1.0], {}, [1.0, -1.0]),
        ([1.0, -1.0], {"anchor": [0.0, 4.0], "proximal": 0.5}, [2.0, -2.0]),
        ([1.0, -1.0], {"linear": [3.0, 0.0]}, [4.0, -1.0]),
        ([1.0, -1.0], {"anchor": [0.0, 4.0], "proximal": 0.5, "linear": [3.0, 0.0]}, [5.0, -2.0]),
        (None, {"linear": [3.0, 0.0]}, [3.0, 0.0]),
        (None, {"anchor": [2.0, 2.0], "proximal": 0.5}, None),
    ],
)
def test_a_gradient_corrected_by_hand(gradient, correction, corrected):
    w = parameter(2.0, 2.0)
    w.grad = None if gradient is None else torch.tensor(gradient)
    arrays = {
        k: {"model/w": np.array(v, np.float32)} if isinstance(v, list) else v
        for k, v in correction.items()
    }
    GradientCorrector(GradientCorrection(**arrays), {"model/w": w}).apply()
    assert (None if w.grad is None else w.grad.tolist()) == corrected


def test_a_gradient_of_nothing_but_zeros_is_none():
    silent, heard = parameter(1.0), parameter(1.0, 2.0)
    silent.grad, heard.grad = torch.zeros(1), torch.tensor([0.0, 1.0])
    assert drop_zero_gradients({"a": silent, "b": heard}) == {"a"}
    assert silent.grad is None
    assert heard.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_an_optimiser_goes_on_from_its_state(name):
    training = Training(optimiser=name, momentum=0.9)

    def step(w, state):
        optimiser = optimiser_for({"model/w": w}, training, 0.1, state)
        w.grad = torch.tensor([1.0])
        optimiser.step()
        return state_of(optimiser, {"model/w": w})

    whole, parts = parameter(1.0), parameter(1.0)
    optimiser = optimiser_for({"model/w": whole}, training, 0.1, None)
    for _ in range(2):
        whole.grad = torch.tensor([1.0])
        optimiser.step()
    state = step(parts, None)
    assert all(key.startswith("optimiser/w/") for key in state)
    step(parts, state)
    assert torch.equal(whole, parts)


# --- a whole model -------------------------------------------------------------------------------


def test_the_linear_term_is_added_to_the_gradient(corpus):
    """One step of SGD with the linear term s: w - η (g + s) = (w - η g) - η s."""
    _, start = fitted(corpus)
    linear = {n: np.full_like(a, 0.25) for n, a in start.items()}
    one_step = {"start": start, "completed_fraction": 1e-9}
    fit, plain = fitted(corpus, *SGD, **one_step)
    assert fit.steps == 1
    _, sloped = fitted(corpus, *SGD, **one_step, correction=GradientCorrection(linear=linear))
    for name in plain:
        np.testing.assert_allclose(sloped[name], plain[name] - 0.125, atol=1e-6)


def test_an_anchor_holds(corpus):
    _, start = fitted(corpus)

    def distance(proximal):
        _, after = fitted(
            corpus, start=start, correction=GradientCorrection(start, proximal), epochs=5
        )
        return sum(float(np.square(after[n] - start[n]).sum()) for n in start)

    free, held = distance(0.0), distance(10.0)
    assert held < 0.5 * free


def test_no_proximal_and_no_linear_part_change_no_bit(corpus):
    _, plain = fitted(corpus)
    zeros = {n: np.zeros_like(a) for n, a in plain.items()}
    _, corrected = fitted(corpus, correction=GradientCorrection(zeros, 0.0, zeros))
    assert not moved(plain, corrected)


def test_only_what_is_named_learns(corpus):
    _, start = fitted(corpus)
    head = {n for n in start if n.startswith("model/classify")}
    fit, after = fitted(corpus, "training.optimiser_state=keep", start=start, only=head)
    assert moved(start, after) == head
    assert {n.split("/")[1] for n in fit.optimiser} == {"classify"}
    learner = ConversationTrainer(corpus, Experiment())
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=1, only=head))
    before = learner.get()
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=1))
    assert moved(before, learner.get()) == set(before)  # nothing stays frozen


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ({}, 4),
        ({"epochs": 1}, 2),
        ({"completed_fraction": 0.5}, 2),
        ({"completed_fraction": 0.6}, 3),
        ({"completed_fraction": 0.01}, 1),
    ],
)
def test_a_fraction_of_the_steps_is_completed(corpus, arguments, steps):
    fit, _ = fitted(corpus, "training.local_epochs=2", **arguments)
    assert fit.steps == steps
    assert fit.loss > 0


def test_half_of_the_steps_are_the_first_half(corpus):
    _, half = fitted(corpus, "training.local_epochs=2", completed_fraction=0.5)
    _, one = fitted(corpus, "training.local_epochs=1")
    assert not moved(half, one)


READS_AUDIO = {
    "sdt": {
        *("project/audio", "reduce/audio", "student/audio", "fusion/gate"),
        *("encoder/audio->audio", "encoder/text->audio", "encoder/audio->text"),
        *("unimodal_gate/audio->audio", "unimodal_gate/text->audio"),
    },
    "late_fusion": {"student/audio"},
}


@pytest.mark.parametrize("model", READS_AUDIO)
@pytest.mark.parametrize("without", ["audio", ""])
def test_a_fit_tells_what_no_data_reached(corpus, model, without):
    """What reads audio alone, and a gate that has nothing to choose from."""
    there = {m: p & (m != without) for m, p in corpus.present.items()}
    experiment = Experiment().with_settings([f"model.name={model}", "model.width=8"])
    learner = ConversationTrainer(replace(corpus, present=there), experiment)
    start = learner.get()
    fit = learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=1))
    found = {"/".join(name.split("/")[1:3]) for name in fit.untouched}
    assert found == (READS_AUDIO[model] if without else set())
    if without:
        assert fit.untouched == start.keys() - moved(start, learner.get())
