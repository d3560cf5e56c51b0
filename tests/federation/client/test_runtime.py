"""The guard at a client's door, and what a spy at the engine sees of it."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from fedaffect.corpus.partition import labels_per_client, partition
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms import find
from fedaffect.federation.algorithms.base import Context, Spec, specs
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.client.runtime import ClientRuntime
from fedaffect.federation.client.site import ClientVariant
from fedaffect.federation.engines import local as module
from fedaffect.federation.engines.local import LocalEngine
from fedaffect.federation.faults import draw_fault
from fedaffect.federation.messages.declarations import ensure_declared
from fedaffect.federation.messages.reply import RefusedError
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update
from fedaffect.federation.stages import statistics
from fedaffect.federation.stages.evaluate import as_tensors
from fedaffect.learning.metrics import BINS, Evaluation
from fedaffect.learning.torch.trainer import ConversationTrainer

DECLARED = {"model/w": Spec((2,), "float32")}


def sound():
    return Update(
        {"model/w": np.zeros(2, np.float32)}, {"model": 1.0}, {"model": 1.0}, {"loss": 1.0}
    )


class Noting:
    """A learner that tells `note(data, options, fit)` of every fit."""

    def __init__(self, learner, note):
        self._learner, self._note = learner, note

    def __getattr__(self, name):
        return getattr(self._learner, name)

    def fit(self, data, options):
        fit = self._learner.fit(data, options)
        self._note(data, options, fit)
        return fit


def test_what_was_declared_may_leave():
    ensure_declared(sound(), DECLARED)
    ensure_declared(Update(), DECLARED)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("model/v", np.zeros(2, np.float32)),
        ("model/w", np.zeros(3, np.float32)),
        ("model/w", np.zeros((1, 2), np.float32)),
        ("model/w", np.zeros(2, np.float64)),
        ("model/w", np.array([1, np.nan], np.float32)),
        ("model/w", np.array([1, -np.inf], np.float32)),
        ("features/text", np.zeros((50, 4), np.float32)),
    ],
)
def test_anything_else_may_not(name, array):
    with pytest.raises(RefusedError, match=f"`{name}`"):
        ensure_declared(replace(sound(), tensors={name: array}), DECLARED)


def test_a_blob_that_nobody_declared_may_not():
    with pytest.raises(RefusedError, match="`recording`"):
        ensure_declared(replace(sound(), blobs={"recording": b"RIFF"}), DECLARED)


@pytest.mark.parametrize("part", ["weights", "fallback", "scalars"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_must_be_finite(part, value):
    """In each part by itself, though another holds a finite number of the same name."""
    same = {p: {"model": 1.0} for p in ("weights", "fallback", "scalars")}
    with pytest.raises(RefusedError, match="`model` is not finite"):
        ensure_declared(Update({}, **(same | {part: {"model": value}})), DECLARED)


# --- the spy -------------------------------------------------------------------------------------

FEDMPD = [f"algorithm.exchange={e}" for e in ("prototypes", "weights", "both")]
ALGORITHMS = [
    ("centralised", ""),
    ("local", ""),
    ("fedavg", ""),
    ("fedproto", ""),
    *[("fedmpd", exchange) for exchange in FEDMPD],
]


class Spy(LocalEngine):
    """Listens at the boundary."""

    seen: list

    def exchange(self, stage, messages):
        for message, reply in zip(messages, super().exchange(stage, messages), strict=True):
            self.seen.append((stage, message, reply))
            yield reply


@pytest.fixture
def spy(monkeypatch, simulate):
    """Run an experiment; the run and all that crossed the boundary."""

    def run(experiment, **options):
        seen = []
        monkeypatch.setattr(
            module,
            "LocalEngine",
            type("Listening", (Spy,), {"seen": seen, "__module__": module.__name__}),
        )
        return simulate(experiment, **options), seen

    return run


@pytest.mark.parametrize(("name", "setting"), ALGORITHMS)
def test_only_what_was_declared_leaves(tiny, spy, corpus, name, setting):
    experiment = tiny(
        name,
        "rounds.count=2",
        "training.optimiser_state=keep",
        "training.class_weights=federated",
        *([setting] if setting else []),
    )
    run, seen = spy(experiment)
    simulation = run.simulation
    declared = {
        "fit": simulation.algorithm.declared_updates(simulation.context),
        "statistics": statistics.declared_updates(corpus.schema, experiment),
        "evaluate": _evaluation_specs(corpus),
    }
    stages = {stage for stage, _, _ in seen}
    assert {"fit", "statistics"} <= stages <= set(declared)
    for stage, _, reply in seen:
        for tensor, array in reply.update.tensors.items():
            assert declared[stage][tensor] == Spec(array.shape, str(array.dtype)), tensor
        assert not reply.update.blobs
        assert all(np.isscalar(v) for v in reply.update.scalars.values())
    # And the record says no less than what was declared.
    (started,) = run.of_kind("run_started")
    told = {d["name"] for d in started["declared"] if d["direction"] == "up"}
    asked = declared["evaluate"] if "evaluate" in stages else {}
    assert told == {*declared["fit"], *declared["statistics"], *asked}
    down = {
        d["name"]: Spec(tuple(d["shape"]), d["dtype"])
        for d in started["declared"]
        if d["direction"] == "down"
    }
    for _, message, _ in seen:
        assert specs(message.state).items() <= down.items()


@pytest.mark.parametrize(("name", "setting"), ALGORITHMS)
def test_memories_and_recordings_stay(tiny, spy, corpus, tmp_path, name, setting):
    """No tensor of a memory that is not also declared, and no row of features, is in any payload."""
    settings = ["rounds.count=2", "training.optimiser_state=keep", *([setting] if setting else [])]
    run, seen = spy(tiny(name, *settings))
    leaves = run.simulation.algorithm.declared_updates(run.simulation.context)
    rows = [row.tobytes() for a in corpus.features.values() for row in a[::7] if row.any()]
    for _, message, reply in seen:
        payload = reply.update.encode()
        assert not any(row in payload for row in rows)
        kept = run.simulation._memory.read(message.client, at=2)
        assert any(n.startswith("optimiser/") for n in kept)
        for tensor, array in kept.items():
            if tensor not in leaves and array.nbytes >= 32 and array.any():
                assert array.tobytes() not in payload, tensor


def test_nothing_of_the_servers_own_is_broadcast(tiny, spy, tmp_path, monkeypatch):
    (tmp_path / "my_secretive.py").write_text(
        "import numpy as np\n"
        "from fedaffect.federation.algorithms.fedproto import FedProto\n"
        "class Secretive(FedProto):\n"
        "    def initial(self, context):\n"
        "        return {'server/secret': np.arange(3.0)}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    run, seen = spy(tiny("my_secretive:Secretive", "rounds.count=2"))
    assert run.outcome.state["server/secret"].tolist() == [0, 1, 2]
    assert {stage for stage, _, _ in seen} == {"statistics", "fit", "evaluate"}
    for _, message, _ in seen:
        assert not [n for n in message.state if n.startswith("server/")]


def test_a_leak_is_stopped_and_told(tiny, spy, tmp_path, monkeypatch):
    """An algorithm that tries to send its memory loses its rounds, not the recordings."""
    (tmp_path / "my_leak.py").write_text(
        "from dataclasses import replace\n"
        "from fedaffect.federation.algorithms.fedproto import FedProto\n"
        "class Leak(FedProto):\n"
        "    def client_round(self, state, client, memory):\n"
        "        update, kept = super().client_round(state, client, memory)\n"
        "        if client.index == 1:\n"
        "            update.tensors.update(kept)\n"
        "        return update, kept\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    run, seen = spy(tiny("my_leak:Leak", "rounds.count=2"))
    assert all(r.update is None for s, m, r in seen if (s, m.client) == ("fit", 1))
    failed = run.of_kind("client_failed")
    assert [e["client"] for e in failed] == [1, 1]
    assert all("may not leave a client" in e["reason"] for e in failed)
    assert run.outcome.run_state.round == 2


# --- statistics ----------------------------------------------------------------------------------


@pytest.mark.parametrize("partition", ["iid", "dirichlet", "random_classes"])
def test_federated_statistics_are_those_of_the_pooled_training_part(
    tiny, simulate, corpus, partition
):
    """Over present utterances of training conversations; dev and test are not looked at."""
    done = simulate(tiny("local", "rounds.count=1", f"partition.name={partition}"))
    train = corpus.items_in("train")
    for name, array in corpus.features.items():
        values = array[train & corpus.present[name]].astype(np.float64)
        state = done.outcome.state
        np.testing.assert_allclose(state[f"features/{name}/mean"], values.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(state[f"features/{name}/scale"], values.std(axis=0), rtol=1e-5)
        assert state[f"features/{name}/mean"].dtype == np.float32


def test_centralised_finds_the_same_statistics(tiny, simulate):
    states = [
        simulate(tiny(name, "rounds.count=1"), name).outcome.state
        for name in ("local", "centralised")
    ]
    for name in states[0]:
        np.testing.assert_allclose(states[0][name], states[1][name], rtol=1e-6, atol=1e-6)


def test_statistics_by_person_count_every_utterance_alike(tiny, simulate, corpus):
    """Conversations are held by all who took part; two each here, so nothing counts more."""
    done = simulate(tiny("local", "rounds.count=1", "partition.name=person"))
    values = corpus.features["text"][corpus.items_in("train")].astype(np.float64)
    np.testing.assert_allclose(
        done.outcome.state["features/text/mean"], values.mean(axis=0), atol=1e-6
    )


def test_a_constant_column_is_not_scaled(tiny, simulate, corpus):
    text = corpus.features["text"].copy()
    text[:, 1] = 3.0
    constant = replace(corpus, features={**corpus.features, "text": text})
    state = simulate(tiny("local", "rounds.count=1"), on=constant).outcome.state
    assert state["features/text/scale"][1] == 1
    assert state["features/text/mean"][1] == 3


def test_without_standardising_nothing_is_asked(tiny, spy):
    run, seen = spy(tiny("local", "rounds.count=1", "features.standardise=none"))
    assert "statistics" not in {stage for stage, _, _ in seen}
    assert run.outcome.state == {}


def test_of_images_no_statistics_are_taken(tiny, simulate, make_faces):
    faces = make_faces()
    vector = np.arange(len(faces) * 2, dtype=np.float32).reshape(-1, 2)
    both = replace(
        faces,
        features={**faces.features, "body": vector},
        present={**faces.present, "body": np.ones(len(faces), bool)},
    )
    assert {*statistics.declared_updates(both.schema, Experiment())} == {
        "features/body/mean",
        "features/body/mean_square",
    }
    face_cnn = Experiment().with_settings(
        ["model={name='face_cnn', widths=[8, 8]}", "partition.clients=2", "rounds.count=1"]
    )
    assert not [n for n in simulate(face_cnn, on=faces).outcome.state if n.startswith("features/")]


def test_federated_class_weights_are_the_global_ones(tiny, simulate, corpus):
    """Every client fits with 1 / f_c of all clients together; a class nobody has counts 1."""
    used = []

    def note(data, options, fit):
        used.append(options.label_balance.weight)

    wider = replace(corpus, classes=(*corpus.classes, "never"))
    done = simulate(
        tiny("local", "rounds.count=1", "training.class_weights=federated"),
        on=wider,
        wrap=partial(Noting, note=note),
    )
    counts = labels_per_client(wider, done.simulation.client_data).sum(axis=0)
    expected = np.where(counts > 0, counts.sum() / np.maximum(counts, 1), 1.0)
    assert len(used) == 3
    for weights in used:
        np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_logits_are_adjusted_by_a_clients_labels_against_everybodys(tiny, simulate, corpus):
    used = {}

    def note(data, options, fit):
        used[data.name] = options.label_balance.shift

    weights = "training.class_weights=none"
    settings = ("rounds.count=1", weights, "training.logit_adjustment=federated")
    done = simulate(tiny("fedavg", *settings), wrap=partial(Noting, note=note))
    counts = labels_per_client(corpus, done.simulation.client_data).astype(float)
    own = counts / counts.sum(axis=1, keepdims=True)
    everybody = counts.sum(axis=0) / counts.sum()
    for data, frequency in zip(done.simulation.client_data, own, strict=True):
        expected = np.log(np.maximum(frequency, 1e-5)) - np.log(everybody)
        np.testing.assert_allclose(used[data.name], expected, rtol=1e-9)


def _evaluation_specs(corpus):
    """Counts alone: by conversation, by confidence, by class."""
    classes, modalities = len(corpus.classes), len(corpus.features)
    shapes = Evaluation(
        np.zeros((2, classes, classes), np.int64),
        np.zeros((BINS, 3)),
        np.zeros((classes, modalities)),
    )
    named = as_tensors({"head": shapes, "prototype": shapes})
    return {n: Spec(a.shape, str(a.dtype)) for n, a in named.items()}


# --- conditions ----------------------------------------------------------------------------------


def content(update):
    tensors = {n: a.tobytes() for n, a in update.tensors.items()}
    return tensors, dict(update.weights), dict(update.fallback), dict(update.scalars)


def test_a_client_is_none_the_wiser_of_what_is_hidden_from_it(tiny, corpus, tmp_path):
    """In every stage it answers as one of a corpus that never had it: no audio, and its own labels."""
    experiment = tiny("fedproto", "training.class_weights=federated")
    learner = ConversationTrainer(corpus, experiment)
    data = partition(corpus, experiment.partition, 0)[0]
    hidden = {"audio": np.ones(len(corpus), bool)}
    own = replace(data, hidden=hidden, label=(corpus.label[data.supervised] + 1) % 3)
    view = own.view(corpus)

    def replies(data, held, learner, name):
        context = Context(experiment, data.classes, 0, learner.get(), learner.embedding_dim)
        kind = ClientVariant(context, learner)
        side = ClientRuntime(find(experiment.algorithm), [kind], data, [held], MemoryStore(name))
        class_weights = {"statistics/label_frequency": np.full(3, 1 / 3)}
        for stage, number in (("statistics", 0), ("fit", 1), ("evaluate", 1)):
            yield content(side.work(Request(stage, 0, number, class_weights, "test")))

    there = list(replies(view, data, ConversationTrainer(view, experiment), tmp_path / "there"))
    here = list(replies(corpus, own, learner, tmp_path / "here"))
    assert here == there
    whole = list(replies(corpus, data, learner, tmp_path / "whole"))
    assert all(one != other for one, other in zip(here, whole, strict=True))


@pytest.mark.parametrize("name", ["fedavg", "fedproto"])
def test_stragglers_take_their_share_of_the_steps(tiny, simulate, name):
    settings = ("conditions.stragglers=0.5", "training.local_epochs=4", "training.batch_size=1")
    experiment = tiny(name, *settings)
    asked = []

    def note(data, options, fit):
        asked.append((options.completed_fraction, fit.steps))

    done = simulate(experiment, wrap=partial(Noting, note=note))
    algorithm = done.simulation.algorithm
    work = [
        draw_fault(algorithm, experiment, r, c).completed_fraction
        for r in (1, 2, 3)
        for c in range(3)
    ]
    assert [w for w, _ in asked] == work
    assert 1.0 in work
    assert min(work) < 1
    conversations = [len(s.conversations) for s in done.simulation.client_data] * 3
    assert [steps for _, steps in asked] == [
        int(np.ceil(w * 4 * n)) for w, n in zip(work, conversations, strict=True)
    ]
    assert [e.get("work", 1.0) for e in done.of_kind("client_finished")] == work


def test_who_drops_out_remembers_nothing_and_who_is_lost_does_not_know_it(tiny, simulate):
    """Fates of round 2 and 3: memories are newer after the one, and not after the other."""
    experiment = tiny(
        "fedproto",
        *("conditions.drop_out=0.4", "conditions.lost=0.4", "rounds.quorum=0", "rounds.count=6"),
    )
    done = simulate(experiment)
    drawn = {
        (r, c): draw_fault(done.simulation.algorithm, experiment, r, c)
        for r in range(1, 7)
        for c in range(3)
    }
    failed = {(e["round"], e["client"]) for e in done.of_kind("client_failed")}
    assert failed == {which for which, one in drawn.items() if one.drops_out}
    (reason,) = {e["reason"] for e in done.of_kind("client_failed")}
    assert reason == "dropped out (conditions.drop_out)"
    lost = {(e["round"], e["client"]) for e in done.of_kind("client_finished") if "lost" in e}
    assert lost == {w for w, one in drawn.items() if one.lost and not one.drops_out}
    assert {r for r, _ in failed} & {5, 6}
    assert {r for r, _ in lost} & {5, 6}
    undone = {e["round"] for e in done.of_kind("round_lost")}
    for number, client in drawn:  # the last two rounds' memories are kept
        if number >= 5 and number not in undone:
            version = (
                done.folder / "memory" / f"client-{client:04d}" / f"round-{number:06d}.safetensors"
            )
            assert version.exists() == (not drawn[number, client].drops_out)
