"""Whole runs: the same twice, the same when stopped and resumed, and what they leave."""

from collections import Counter

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.federation.engines.local import LocalEngine
from fedaffect.federation.run_events import stability
from fedaffect.federation.server import checkpoints
from fedaffect.federation.server.checkpoints import RunState
from fedaffect.learning.torch.trainer import ConversationTrainer


def bits(tensors):
    return {n: (a.shape, a.dtype.str, a.tobytes()) for n, a in tensors.items()}


def result(run):
    """All that must not differ between two executions of one experiment."""
    models = {n: bits(m) for n, m in run.simulation.models(run.outcome)}
    return bits(run.outcome.state), models, run.figures, run.outcome.run_state


EXPERIMENTS = {
    "fedavg": ("fedavg", "clients.fraction=0.6"),
    "fedavg-kept": ("fedavg", "training.optimiser_state=keep", "training.class_weights=federated"),
    "fedproto": ("fedproto", "clients.availability=bernoulli(0.8)", "rounds.checkpoint_every=2"),
    "fedmpd": (
        "fedmpd",
        "algorithm.exchange=both",
        "algorithm.server_momentum=0.2",
        "model.fusion=attention_score",
        "rounds.patience=7",
    ),
    "everything goes wrong": (
        "fedavg",
        "training.optimiser_state=keep",
        *("conditions.missing_clients=0.5", "conditions.label_noise=0.3"),
        *("conditions.stragglers=0.5", "conditions.drop_out=0.2", "conditions.lost=0.2"),
        *("conditions.late=0.5", "conditions.late_discount=0.5", "rounds.quorum=0.1"),
    ),
    "local-kept": ("local", "training.optimiser_state=keep", "rounds.checkpoint_every=3"),
}


@pytest.fixture(params=EXPERIMENTS)
def experiment(request, tiny):
    name, *settings = EXPERIMENTS[request.param]
    return tiny(name, "rounds.count=8", "partition.name=random_classes", *settings)


def test_the_same_experiment_twice_gives_the_same_bits(experiment, simulate):
    first, second = simulate(experiment, "first"), simulate(experiment, "second")
    assert result(first) == result(second)


def test_another_seed_gives_others(tiny, simulate):
    runs = [simulate(tiny("fedavg", f"seed={seed}"), f"{seed}").outcome.state for seed in (0, 1)]
    assert bits(runs[0]) != bits(runs[1])


# --- stopped and resumed -------------------------------------------------------------------------


class CrashError(BaseException):
    """Not an `Exception`: nothing in the package may catch it."""


class Saboteur:
    """Raises once at each of its moments; a moment is a name and how often it came in this life."""

    def __init__(self, *moments):
        self._left, self.crashed = list(moments), 0

    def begin(self):
        self._seen = Counter()

    def at(self, moment):
        self._seen[moment] += 1
        if self._left and self._left[0] == (moment, self._seen[moment]):
            self._left.pop(0)
            self.crashed += 1
            raise CrashError

    @property
    def finished(self):
        return not self._left


# In this order: each life gets as far as its moment, the next one resumes behind it.
MOMENTS = (
    ("run_started", 1),  # before any checkpoint
    ("statistics_finished", 1),
    ("flush", 2),  # inside the first checkpoint
    ("fitted", 2),  # a client has trained, nothing has been sent
    ("checkpoint", 1),
    ("round_started", 2),
    ("client_finished", 1),
    ("flush", 1),  # inside a later checkpoint
    ("fitted", 1),
    ("commit", 1),  # the checkpoint stands, memories are not yet cleared
    ("round_finished", 1),  # trained and judged, not committed
    ("run_finished", 1),  # all done but the summary
)


@pytest.fixture
def interrupted(simulate, monkeypatch):
    """Run an experiment through every moment, a new process's worth of objects each time."""

    def run(experiment, moments=MOMENTS):
        saboteur = Saboteur(*moments)
        flush, commit = checkpoints._flush, LocalEngine.commit

        def crashing_flush(path):
            flush(path)
            saboteur.at("flush")

        def crashing_commit(self, keep, round_number):
            saboteur.at("commit")
            commit(self, keep, round_number)

        class CrashingLearner:
            def __init__(self, learner):
                self._learner = learner

            def __getattr__(self, name):
                return getattr(self._learner, name)

            def fit(self, data, options):
                fit = self._learner.fit(data, options)
                saboteur.at("fitted")
                return fit

        monkeypatch.setattr(checkpoints, "_flush", crashing_flush)
        monkeypatch.setattr(LocalEngine, "commit", crashing_commit)
        listeners = [lambda event: saboteur.at(event["kind"])]
        for _ in range(len(moments) + 1):
            saboteur.begin()
            try:
                done = simulate(experiment, "stopped", listeners=listeners, wrap=CrashingLearner)
            except CrashError:
                continue
            break
        monkeypatch.undo()
        return done, saboteur

    return run


def test_stopped_anywhere_and_resumed_gives_the_same_bits(experiment, simulate, interrupted):
    stopped, saboteur = interrupted(experiment)
    assert saboteur.finished, "a moment never came: the test tests less than it says"
    assert saboteur.crashed == len(MOMENTS)
    straight = simulate(experiment, "straight")
    assert result(stopped) == result(straight)
    # The chain is whole, and tells of every life after the first checkpoint.
    assert len(stopped.of_kind("resumed")) == len(MOMENTS) - 3
    assert len(straight.of_kind("resumed")) == 0


def test_a_finished_run_stays_as_it_is(tiny, simulate):
    first = simulate(tiny("fedproto"))
    before = result(first)
    again = simulate(tiny("fedproto"))
    assert result(again) == before
    assert len(again.of_kind("round_started")) == 3


# --- what a run says and leaves ------------------------------------------------------------------


def test_models_of_a_shared_and_of_own_models(tiny, simulate):
    shared, own = simulate(tiny("fedavg"), "shared"), simulate(tiny("local"), "own")
    assert list(dict(shared.simulation.models(shared.outcome))) == ["model"]
    models = dict(own.simulation.models(own.outcome))
    assert list(models) == ["client-00", "client-01", "client-02"]
    assert len({str(bits(m)) for m in models.values()}) == 3
    for model in (*models.values(), *dict(shared.simulation.models(shared.outcome)).values()):
        assert "features/text/mean" in model
        assert not [n for n in model if n.startswith(("optimiser/", "prototype/"))]


def test_models_are_those_of_the_selected_round(tiny, simulate):
    """Each client's model as of the best round, whatever it has learnt since."""
    settings = ["training.learning_rate=0.1", "rounds.smoothing=1"]
    run = simulate(tiny("local", "rounds.count=6", *settings), "long")
    best = run.outcome.round
    assert 0 < best < 6, "the last round is the best: nothing is shown"
    short = simulate(
        tiny("local", f"rounds.count={best}", "rounds.selection=last", *settings), "short"
    )
    found, expected = (dict(r.simulation.models(r.outcome)) for r in (run, short))
    assert {n: bits(m) for n, m in found.items()} == {n: bits(m) for n, m in expected.items()}
    assert run.figures["test"] == short.figures["test"]


def test_what_the_beginning_says(tiny, simulate, corpus):
    run = simulate(tiny("fedproto", "rounds.count=1"))
    (start,) = run.of_kind("run_started")
    assert start["command"] == "test"
    assert start["evaluations"] == ["local", "prototype", "personal"]
    assert start["corpus"]["conversations"] == {"train": 8, "dev": 2, "test": 2}
    assert start["corpus"]["utterances"] == {"train": 40, "dev": 10, "test": 10}
    assert sum(c["volume"] for c in start["clients"]) == 40
    assert all(sum(c["labels"]) == c["volume"] for c in start["clients"])
    assert start["parameters"] == sum(
        a.size for a in ConversationTrainer(corpus, run.simulation.experiment).get().values()
    )


def test_what_the_end_says(tiny, simulate, corpus):
    run = simulate(tiny("local", "clients.fraction=0.34", "clients.rule=top_volume"))
    figures = run.figures
    run_state = run.outcome.run_state
    assert (figures["rounds"], figures["stopped"]) == (3, "count")
    assert figures["selected_round"] == run.outcome.round
    assert (
        figures["bytes_up"]
        == run_state.bytes_up
        == sum(
            e["bytes_up"]
            for e in run.events
            if e["kind"] in ("client_finished", "statistics_finished")
        )
    )
    # ceil(0.34 · 3) = 2 of 3: the smallest is never chosen, and is named.
    volumes = [s.volume for s in run.simulation.client_data]
    assert figures["never_selected"] == [run.simulation.client_data[int(np.argmin(volumes))].name]
    assert sorted(run_state.selected) == [0, 3, 3]
    # Three local models on ten test utterances.
    assert np.sum(figures["confusion"]) == 3 * 10
    assert np.shape(figures["client_modality_weights"]) == (3, 2)
    np.testing.assert_allclose(np.sum(figures["modality_weights"], axis=1), 1)
    assert set(figures["test"]) == {"local", "personal"}


def test_a_global_model_has_no_client_weights(tiny, simulate):
    figures = simulate(tiny("fedavg", "rounds.count=1")).figures
    assert figures["client_modality_weights"] is None
    assert [c["local_weighted_f1"] for c in figures["clients"]] == [None] * 3


def test_centralised_counts_no_traffic(tiny, simulate):
    figures = simulate(tiny("centralised")).figures
    assert (figures["bytes_up"], figures["bytes_down"]) == (0, 0)


def test_a_learning_rate_beyond_all_bounds_ends_in_one_line(tiny, simulate):
    """The model of round 1 is finite but says nothing finite any more; round 2 and on are refused."""
    with pytest.raises(
        UserError, match=r"rounds in a row were lost .*lower training.learning_rate"
    ):
        simulate(tiny("fedavg", "training.learning_rate=1e37", "rounds.count=9"))


def test_local_models_that_diverge_end_in_one_line(tiny, simulate):
    with pytest.raises(
        UserError, match=r"rounds in a row were lost .*lower training.learning_rate"
    ):
        simulate(tiny("local", "training.learning_rate=1e37", "rounds.count=9"))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.1, 0.5, 0.4, 0.6, 0.595, 0.6], (np.std([0.5, 0.4, 0.6, 0.595, 0.6]), 0.1, 4)),
        ([0.5], (0.0, 0.0, 1)),
        ([0.5, 0.5, 0.5], (0.0, 0.0, 1)),
        ([0.6, 0.3], (0.15, 0.3, 2)),
        ([0.1, 0.2, 0.3], (np.std([0.1, 0.2, 0.3]), 0.0, 3)),
        ([], (0.0, 0.0, 7)),
    ],
)
def test_stability_by_hand(scores, expected):
    found = stability(RunState(round=7, dev_scores=dict(enumerate(scores, start=1))))
    assert tuple(found.values()) == pytest.approx(expected)


# --- clients of several kinds --------------------------------------------------------------------

WIDTHS = 'clients.variants=[["model.width=8"], ["model.width=16", "model.layers=2"]]'


@pytest.mark.parametrize("workers", [1, 2])
def test_clients_of_different_width_share_prototypes(tiny, simulate, workers):
    settings = (WIDTHS, "model.embedding_dim=6", f"engine.workers={workers}", "rounds.count=2")
    run = simulate(tiny("fedmpd", *settings), f"workers-{workers}")
    models = dict(run.simulation.models(run.outcome))
    widths = [m["model/classify/weight"].shape[1] for m in models.values()]
    assert widths == [8, 16, 8]
    assert {a.shape for n, a in run.outcome.state.items() if n.startswith("prototype/")} == {(6,)}


def test_kinds_differ_only_where_they_say(tiny, simulate):
    same = 'clients.variants=[["model.width=8"], ["model.width=8"]]'
    plain, kinds = tiny("fedproto", "rounds.count=2"), tiny("fedproto", same, "rounds.count=2")
    assert simulate(plain, "plain").figures["test"] == simulate(kinds, "kinds").figures["test"]


def test_weights_of_different_shape_cannot_be_averaged(tiny, simulate):
    with pytest.raises(UserError, match=r"clients\.variants: fedavg exchanges weights"):
        simulate(tiny("fedavg", WIDTHS))


def test_embeddings_must_have_one_length(tiny, simulate):
    with pytest.raises(UserError, match=r"lengths 8, 16 .*set model\.embedding_dim"):
        simulate(tiny("fedproto", WIDTHS))


@pytest.mark.parametrize(
    "setting", ["training.batch_size=1", "model.name=evil:M", "model .name=evil:M"]
)
def test_variants_are_of_the_same_model(tiny, setting):
    """A name would import code that `predict` must not, unless it is allowed."""
    with pytest.raises(UserError, match="is no setting of the model, or another model"):
        tiny("fedproto", f'clients.variants=[["{setting}"]]')


def test_who_shares_nothing_needs_nothing_in_common(tiny, simulate):
    run = simulate(tiny("local", WIDTHS, "rounds.count=1"))
    assert len(dict(run.simulation.models(run.outcome))) == 3


def test_models_of_one_shape_can_be_averaged_whatever_their_dropout(tiny, simulate):
    kinds = 'clients.variants=[["model.dropout=0.1"], ["model.dropout=0.4"]]'
    assert simulate(tiny("fedavg", kinds, "rounds.count=1")).figures["rounds"] == 1


def test_in_one_place_there_is_one_model(tiny, simulate):
    with pytest.raises(UserError, match="in one place there is one model"):
        simulate(tiny("centralised", WIDTHS))


def test_the_pooled_baseline_has_no_more_labels_than_the_clients(tiny, simulate):
    settings = ("partition.shots=1", "rounds.count=1")
    pooled, shared = (simulate(tiny(a, *settings), a) for a in ("centralised", "fedavg"))
    (one,) = pooled.simulation.client_data
    assert one.volume == sum(data.volume for data in shared.simulation.client_data)


def test_a_run_whose_every_round_was_lost_is_none(tiny, simulate):
    with pytest.raises(
        UserError, match=r"none of 1 rounds succeeded .*lower training\.learning_rate"
    ):
        simulate(tiny("fedavg", "training.learning_rate=1e30", "rounds.count=1"))


def test_what_an_algorithm_refuses_is_refused_before_anything_is_written(tiny, simulate, tmp_path):
    with pytest.raises(UserError, match=r"training\.optimiser: scaffold"):
        simulate(tiny("scaffold"), "refused")
    assert not (tmp_path / "refused").exists()


def test_a_mean_of_global_models_needs_one(tiny, simulate):
    with pytest.raises(UserError, match=r"rounds\.average: local has no global model"):
        simulate(tiny("local", "rounds.average=0.5"))


def test_the_mean_is_what_is_kept(tiny, simulate):
    settings = ("rounds.average=0.5", "rounds.count=3", "rounds.selection=last")
    run = simulate(tiny("fedavg", *settings))
    model, state = dict(run.simulation.models(run.outcome))["model"], run.outcome.state
    learnt = [name for name in model if name.startswith("model/")]
    assert all(np.array_equal(model[name], state[f"server/mean/{name}"]) for name in learnt)
    assert any(not np.array_equal(model[name], state[name]) for name in learnt)


def test_updates_under_way_survive_a_kill(tiny, simulate):
    experiment = tiny("fedproto", "conditions.late=0.6", "rounds.quorum=0", "rounds.count=5")

    def kill(event):
        if (event["kind"], event.get("round")) == ("round_started", 4):
            raise CrashError

    with pytest.raises(CrashError):
        simulate(experiment, "killed", listeners=[kill])
    straight = simulate(experiment, "straight")
    _, state = straight.simulation._checkpoints.load(4)
    killed = simulate(experiment, "killed")
    assert result(killed) == result(straight)
    due = [name.split("/")[2] for name in state if name.startswith("server/late/")]
    sent = [(e["round"], e["late"]) for e in straight.of_kind("client_finished") if "late" in e]
    assert any(
        number < 4 <= number + late <= 5 for number, late in sent
    )  # under way when it was killed
    assert set(due) <= {f"{number + late:06d}" for number, late in sent}


# --- conditions ----------------------------------------------------------------------------------


def test_the_record_tells_who_lacks_what_and_how_many_labels_are_wrong(tiny, simulate, corpus):
    done = simulate(tiny("fedavg", "conditions.missing_clients=0.6", "conditions.label_noise=0.5"))
    (started,) = done.of_kind("run_started")
    told = started["clients"]
    for data, client in zip(done.simulation.client_data, told, strict=True):
        assert client.get("lacking", []) == list(data.lacking)
        assert client["mislabelled"] == (data.label != corpus.label[data.supervised]).sum()
        truth = np.bincount(corpus.label[data.supervised], minlength=3)
        assert client["labels"] == truth.tolist()
    assert sum("lacking" in client for client in told) == 2
    assert (
        0
        < sum(client["mislabelled"] for client in told)
        < sum(s.volume for s in done.simulation.client_data)
    )


def test_all_in_one_place_has_the_same_gaps_and_the_same_wrong_labels(tiny, simulate, corpus):
    settings = ("conditions.missing_clients=0.6", "conditions.label_noise=0.5", "rounds.count=1")
    clients = simulate(tiny("local", *settings), "local").simulation.client_data
    (whole,) = simulate(tiny("centralised", *settings), "centralised").simulation.client_data
    view = whole.view(corpus)
    for data in clients:  # nobody shares a conversation here
        rows = np.isin(corpus.conversation, data.conversations)
        own = data.view(corpus)
        assert np.array_equal(view.label[data.supervised], own.label[data.supervised])
        for name in corpus.present:
            assert np.array_equal(view.present[name][rows], own.present[name][rows])
    elsewhere = ~corpus.items_in("train")
    for name, rows in corpus.present.items():
        assert np.array_equal(view.present[name][elsewhere], rows[elsewhere])
