"""The four ways of judging, which may be compared only with their like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fedaffect.federation.algorithms.fedmpd import FedMPD
from fedaffect.federation.algorithms.fedproto import FedProto
from fedaffect.federation.algorithms.local import Local
from fedaffect.federation.client.stages.evaluate import evaluate_model
from fedaffect.federation.messages.update import Update
from fedaffect.federation.server.evaluations import Evaluations, personal_confusions, worst_tenth
from fedaffect.federation.stages.evaluate import as_tensors, from_tensors
from fedaffect.learning.metrics import BINS, Evaluation, scores


def evaluation(*confusions):
    confusion = np.array(confusions, np.int64)
    classes = confusion.shape[1]
    return Evaluation(confusion, np.zeros((BINS, 3)), np.ones((classes, 2)))


RIGHT = evaluation([[4, 0], [0, 4]])
HALF = evaluation([[4, 0], [2, 2]])
WRONG = evaluation([[0, 4], [4, 0]])


# --- as tensors ----------------------------------------------------------------------------------


@given(st.integers(1, 3), st.integers(2, 4), st.data())
@settings(max_examples=30, deadline=None)
def test_evaluations_travel_as_tensors(conversations, classes, data):
    counts = arrays.arrays(np.int64, (conversations, classes, classes), elements=st.integers(0, 99))
    judged = {
        mode: Evaluation(data.draw(counts), np.full((BINS, 3), 0.5), np.ones((classes, 2)))
        for mode in ("head", "prototype")
    }
    back = from_tensors(Update.decode(Update(as_tensors(judged)).encode()).tensors)
    assert back.keys() == judged.keys()
    for mode, original in judged.items():
        for part, array in vars(original).items():
            np.testing.assert_array_equal(getattr(back[mode], part), array)


# --- one model -----------------------------------------------------------------------------------


@pytest.fixture
def learner(stub, corpus):
    """Embeddings lie on an axis a class; the head always says class 0."""
    learner = stub(corpus, np.eye(3, dtype=np.float32)[corpus.label] * 2, {})
    learner.predict = _saying_class_0(learner)
    return learner


def _saying_class_0(learner):
    predict = type(learner).predict

    def wrapped(conversations):
        outputs = predict(learner, conversations)
        outputs.probability[:, 0] = 0.8
        return outputs

    return wrapped


MODEL = {"model/w": np.ones(1, np.float32)}
KNOWN = {f"prototype/fused/{k}": np.eye(3, dtype=np.float32)[k] for k in range(3)}


@pytest.mark.parametrize("algorithm", [FedProto({}), FedMPD({"exchange": "both"})])
def test_by_head_and_by_nearest_prototype(learner, corpus, algorithm):
    judged = evaluate_model(algorithm, KNOWN, MODEL, learner, corpus, "test")
    label = corpus.label[corpus.items_in("test")]
    assert scores(judged["head"].total).accuracy == pytest.approx((label == 0).mean())
    assert scores(judged["prototype"].total).accuracy == 1
    assert judged["head"].confusion.shape == (2, 3, 3)  # two test conversations


def test_without_prototypes_there_is_only_the_head(learner, corpus):
    for algorithm, state in ((FedProto({}), {}), (Local({}), KNOWN)):
        assert set(evaluate_model(algorithm, state, MODEL, learner, corpus, "dev")) == {"head"}


def test_a_class_without_a_prototype_is_never_estimated(learner, corpus):
    state = {n: a for n, a in KNOWN.items() if not n.endswith("1")}
    judged = evaluate_model(FedProto({}), state, MODEL, learner, corpus, "test")
    assert judged["prototype"].total[:, 1].sum() == 0
    assert judged["prototype"].total.sum() == 10


def test_statistics_of_the_state_are_loaded_with_the_model(learner, corpus):
    loaded = []
    learner.set = loaded.append
    statistics = {"features/text/mean": np.zeros(4, np.float32)}
    evaluate_model(
        Local({}), {**statistics, "server/x": np.zeros(1)}, MODEL, learner, corpus, "dev"
    )
    assert set(loaded[0]) == {"model/w", "features/text/mean"}


# --- many models ---------------------------------------------------------------------------------


def judgement(*heads, labels=((1, 1), (1, 1), (1, 1)), primary="local"):
    return Evaluations({primary: heads}, personal_confusions(heads, np.array(labels)), primary)


def test_means_over_clients():
    found = judgement(RIGHT, HALF, WRONG)
    half = scores(HALF.total).weighted_f1
    assert found.score == pytest.approx((1 + half + 0) / 3)
    assert found.summary()["local"]["accuracy"] == pytest.approx((1 + 0.75 + 0) / 3)
    assert found.weighted_f1_of("local") == pytest.approx([1, half, 0])


def test_personal_is_each_clients_own_classes():
    """A client of class 0 alone is judged on the true class 0; its model is right there."""
    found = judgement(HALF, HALF, labels=((3, 0), (0, 2)))
    np.testing.assert_array_equal(found.personal[0], [[4, 0], [0, 0]])
    np.testing.assert_array_equal(found.personal[1], [[0, 0], [2, 2]])
    assert found.weighted_f1_of("personal") == pytest.approx([1.0, 2 / 3])
    assert found.summary()["personal"]["accuracy"] == pytest.approx(0.75)


def test_one_global_model_is_judged_for_every_client():
    found = judgement(HALF, labels=((3, 0), (0, 2), (1, 1)), primary="global")
    assert len(found.personal) == 3
    np.testing.assert_array_equal(found.personal[2], HALF.total)


def test_as_many_models_as_clients_are_needed():
    with pytest.raises(ValueError, match="zip"):
        personal_confusions([RIGHT, HALF], np.ones((3, 2), np.int64))


def test_details_tell_the_spread_and_the_doubt():
    found = judgement(RIGHT, WRONG, labels=((1, 1), (1, 1))).details(seed=0)["local"]
    assert found["sd"] == pytest.approx(0.5)
    assert found["worst_tenth"] == 0
    assert found["interval"] == pytest.approx([0.5, 0.5])  # one conversation each: no doubt
    assert found["recall"] == pytest.approx([0.5, 0.5])
    assert found["calibration_error"] == 0
    personal = judgement(RIGHT, WRONG, labels=((1, 1), (1, 1))).details(seed=0)["personal"]
    assert "interval" not in personal


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.3], 0.3), ([0.9, 0.1, 0.5], 0.1), (list(range(20)), 0.5), (list(range(100)), 4.5)],
)
def test_the_worst_tenth(values, expected):
    assert worst_tenth(np.array(values, float)) == expected
