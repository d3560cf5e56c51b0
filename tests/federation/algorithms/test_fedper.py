"""FedPer and FedRep by hand, and what never leaves a client."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect import registry
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Context
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.algorithms.fedper import FedPer
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.models import reads_images

from .quadratic import PLAIN, Bowl, federation
from .test_fedavg import bits

NETWORKS = [name for name in registry.names("model") if name not in ("forest", "head")]

BODY, HEAD = "model/body", "model/classify"
PARTS = (BODY, HEAD)


# Late fusion's students are whole models; the regression on neighbours is nothing but a head.
ALL_HEAD = ("late_fusion", "neighbours")


def number(tensors, name):
    return float(tensors[name][0])


@pytest.fixture
def two():
    """Halfway to 4 in a step, and a quarter of the way to -8 with three times the volume."""
    return federation(Bowl(1, 4), Bowl(0.5, -8, volume=3), names=PARTS)


def test_heads_stay_and_bodies_are_averaged_by_hand(two):
    """From 0 all go to 2, or to -2; then bodies from (2 - 3 · 2) / 4 = -1, heads from where they were.

    Round 2: body 0 → -1 + 0.5 · 5 = 1.5, body 1 → -1 - 0.25 · 7 = -2.75; heads → 3 and -3.5.
    """
    state = two.play(FedPer({}))
    assert state.keys() == {BODY}
    assert number(state, BODY) == -1
    assert [number(two.memories[i], HEAD) for i in (0, 1)] == [2, -2]
    state = two.play(FedPer({}), state=state)
    assert [number(two.updates[i].tensors, BODY) for i in (0, 1)] == [1.5, -2.75]
    assert number(state, BODY) == (1.5 - 3 * 2.75) / 4
    assert [number(two.memories[i], HEAD) for i in (0, 1)] == [3, -3.5]
    assert all(memory.keys() == {HEAD} for memory in two.memories.values())


def test_one_part_after_the_other_by_hand():
    """Two head epochs, 0 → 2 → 3, before the body's one, 0 → 2."""
    one = federation(Bowl(1, 4), names=PARTS)
    state = one.play(FedPer({"schedule": "alternating", "head_epochs": 2}))
    assert (number(state, BODY), number(one.memories[0], HEAD)) == (2, 3)


def test_in_turns_the_body_learns_below_the_head_that_was_learnt(two):
    """What `fit` is given, and where it starts."""
    seen = []
    learner = two.clients[0].learner
    fit = learner.fit

    def watched(data, options):
        seen.append((number(learner.model, HEAD), set(options.only), options.epochs))
        return fit(data, options)

    learner.fit = watched
    two.play(FedPer({"schedule": "alternating", "head_epochs": 3}), [[0]])
    assert seen == [(0, {HEAD}, 3), (3.5, {BODY}, None)]


def test_moments_of_both_parts_are_kept():
    """Velocities 2 and 2 · 0.5 + 1 ...: a second round is faster than the first one again."""
    settings = [*PLAIN, "training.momentum=0.5", "training.optimiser_state=keep"]
    one = federation(Bowl(1, 4), names=PARTS, settings=settings)
    one.play(FedPer({"schedule": "alternating"}), rounds=1)
    kept = {name for name in one.memories[0] if name.startswith("optimiser/")}
    assert kept == {f"optimiser/{BODY}", f"optimiser/{HEAD}"}


def test_who_has_not_learnt_yet_has_the_first_head(two):
    state = two.play(FedPer({}), [[0], [0]])
    newcomer = FedPer({}).model_for(state, {}, two.context)
    assert number(newcomer, BODY) == number(state, BODY) == 3
    assert number(newcomer, HEAD) == 0
    two.play(FedPer({}), [[1]], state)
    assert number(two.memories[1], HEAD) == -2  # from 0, not from where client 0 is


def test_with_a_head_that_nobody_has_it_is_fedavg(two):
    """On the body: that of two parameters that do not meet is the same, whoever owns the other."""
    shared = federation(Bowl(1, 4), Bowl(0.5, -8, volume=3), names=PARTS).play(FedAvg({}), 3)
    assert number(two.play(FedPer({}), 3), BODY) == number(shared, BODY)


def context_of(model, corpus):
    experiment = Experiment().with_settings([f"model.name={model}"])
    learner = ConversationTrainer(corpus, experiment)
    return Context(experiment, corpus.classes, 0, learner.get(), learner.embedding_dim)


@pytest.mark.parametrize(
    "model", [m for m in NETWORKS if m not in ALL_HEAD and not reads_images(m)]
)
def test_the_heads_of_every_model(model, corpus):
    context = context_of(model, corpus)
    leaves = FedPer({}).declared_updates(context)
    head = context.initial.keys() - leaves.keys()
    assert head
    assert all("/classify/" in name or "/student/" in name for name in head)
    assert FedPer({}).initial(context).keys() == leaves.keys() < context.initial.keys()


@pytest.mark.parametrize("model", ALL_HEAD)
def test_something_must_be_left_to_share(model, corpus):
    with pytest.raises(UserError, match=r"personal: `classify`, `student` is all of this model, "):
        FedPer({}).initial(context_of(model, corpus))


def test_what_is_nothing_but_a_head_is_told_so(two):
    context = replace(two.context, initial={f"{HEAD}/weight": np.zeros(1)})
    with pytest.raises(UserError, match="made of classify: there is no body to share, choose anot"):
        FedPer({}).initial(context)


@pytest.mark.parametrize(
    ("personal", "named"), [(["hat"], "`hat`"), (["class"], "`class`"), ([], "nothing")]
)
def test_something_must_be_personal(personal, named, corpus):
    message = f"personal: {named} is no part of this model; it is made of student: name its"
    with pytest.raises(UserError, match=message):
        FedPer({"personal": personal}).initial(context_of("late_fusion", corpus))


def test_a_module_may_be_anywhere(corpus):
    """And be named with those it is in."""
    context = context_of("late_fusion", corpus)
    heads = {
        personal: context.initial.keys() - FedPer({"personal": [personal]}).initial(context).keys()
        for personal in ("classify", "text/classify")
    }
    assert heads["text/classify"] == {n for n in heads["classify"] if "/text/" in n}
    assert len(heads["classify"]) == 2 * len(heads["text/classify"]) == 4


@pytest.mark.parametrize("schedule", ["joint", "alternating"])
def test_heads_never_leave_and_differ(tiny, simulate, schedule):
    run = simulate(tiny("fedper", f"algorithm.schedule={schedule}", "rounds.count=2"))
    (started,) = run.of_kind("run_started")
    declared = {d["name"] for d in started["declared"]}
    assert not any("/classify/" in name or "/student/" in name for name in declared)
    assert started["evaluations"] == ["local", "personal"]
    models = [model for _, model in run.simulation.models(run.outcome)]
    same = {n for n in models[0] if all(np.array_equal(models[0][n], m[n]) for m in models[1:])}
    assert same == {n for n in models[0] if "/classify/" not in n and "/student/" not in n}


def test_a_lost_round_and_a_stop_change_nothing(survive):
    settings = ("fedper", "algorithm.schedule=alternating")
    whole, stopped = survive(*settings), survive(*settings, stopped=True)
    assert bits(stopped.outcome.state) == bits(whole.outcome.state)
    for (_, one), (_, other) in zip(
        whole.simulation.models(whole.outcome),
        stopped.simulation.models(stopped.outcome),
        strict=True,
    ):
        assert bits(one) == bits(other)
