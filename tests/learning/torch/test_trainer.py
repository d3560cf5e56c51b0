"""The torch learner: what decides its bits, and what it never looks at."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

from fedaffect.corpus.partition import all_in_one_client
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.learning.label_balance import LabelBalance, class_weights
from fedaffect.learning.learner import DivergedError, FitOptions
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.schema import ClientData


def experiment(*settings):
    base = [
        "model.width=8",
        "model.heads=2",
        "training.learning_rate=0.01",
        "training.batch_size=2",
    ]
    return Experiment().with_settings([*base, *settings])


@pytest.fixture(scope="module")
def corpus(make_corpus):
    return make_corpus(conversations=6, turns=5, missing=0.2)


def trainer(corpus, *settings):
    return ConversationTrainer(corpus, experiment(*settings))


def bits(tensors):
    return {n: (a.shape, a.dtype.str, a.tobytes()) for n, a in tensors.items()}


EVEN = LabelBalance(np.ones(3), np.zeros(3))


def fitted(corpus, *settings, data=None, seed=1, **arguments):
    learner = trainer(corpus, *settings)
    fit = learner.fit(data or all_in_one_client(corpus)[0], FitOptions(seed=seed, **arguments))
    return fit, learner


def close(left, right):
    for part in ("item", "probability", "embedding", "modality_weights"):
        np.testing.assert_allclose(getattr(left, part), getattr(right, part), atol=1e-5)


# --- the model, in and out -----------------------------------------------------------------------


def test_the_first_model_is_the_seeds(corpus):
    torch.manual_seed(5)
    first, before = trainer(corpus).get(), torch.rand(1)
    torch.manual_seed(5)
    again, after = trainer(corpus).get(), torch.rand(1)
    assert bits(first) == bits(again)
    assert before == after  # nobody else's random numbers were used
    assert bits(trainer(corpus, "seed=1").get()) != bits(first)


def test_what_was_set_is_got(corpus):
    learner, other = trainer(corpus), trainer(corpus, "seed=1").get()
    learner.set(other)
    assert bits(learner.get()) == bits(other)
    assert all(n.startswith("model/") for n in other)


def test_tensors_are_copies(corpus):
    learner = trainer(corpus)
    got = learner.get()
    before = bits(got)
    learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0))
    assert bits(got) == before
    learner.set(got)
    for array in got.values():
        array[...] = 0
    assert bits(learner.get()) == before


def test_tensors_that_do_not_fit_are_named(corpus):
    learner = trainer(corpus)
    whole = learner.get()
    name = "model/classify/weight"
    before = bits(whole)
    shapes = rf"`{name}`: float32 \[3, 9\], not float32 \[3, 8\]"
    three = np.ones(3, np.float32)
    for wrong, message in (
        ({**whole, "model/unknown": three}, "model/unknown"),
        ({**whole, "optimiser/step": three}, "optimiser/step"),
        ({**whole, name: np.zeros((3, 9), np.float32)}, shapes),
        ({**whole, name: whole[name].astype(np.float64)}, name),
        ({n: a for n, a in whole.items() if n != name}, name),
        ({**whole, "features/text/mean": three, "features/text/scale": three}, "features/text"),
        ({**whole, "features/audio/mean": three}, "features/audio"),
    ):
        changed = {n: a + 1 if a is whole.get(n) else a for n, a in wrong.items()}
        with pytest.raises(UserError, match=message):
            learner.set(changed)
        assert bits(learner.get()) == before  # nothing half-loaded


def test_a_device_that_is_not_there_is_named(corpus):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UserError, match="torch finds no GPU; use device=cpu"):
        trainer(corpus, "device=cuda")


def test_modalities_must_be_vectors(corpus):
    images = replace(
        corpus,
        features={**corpus.features, "face": np.zeros((len(corpus), 4, 4), np.float32)},
        present={**corpus.present, "face": np.ones(len(corpus), bool)},
    )
    with pytest.raises(UserError, match=r"modality `face`: .* vectors, not \(4, 4\)"):
        trainer(images)


def test_images_reach_the_model_as_the_bytes_they_are(make_faces):
    faces = make_faces(missing=0.3)
    learner = ConversationTrainer(faces, Experiment().with_settings(["model={name='face_cnn'}"]))
    seen = []
    learner._model.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    learner.predict(np.arange(len(faces)))
    (batch,) = seen
    assert batch.features["face"].dtype == torch.uint8
    assert np.array_equal(batch.features["face"][:, 0], faces.features["face"])
    assert np.array_equal(batch.present["face"][:, 0], faces.present["face"])
    ones = np.ones((12, 12), np.float32)
    with pytest.raises(UserError, match="features/face"):  # nobody scales a pixel of its own
        learner.set({"features/face/mean": ones, "features/face/scale": ones})


def test_one_thread(corpus):
    torch.set_num_threads(2)
    trainer(corpus)
    assert torch.get_num_threads() == 1


# --- fit -----------------------------------------------------------------------------------------


def test_the_seed_decides_and_nothing_else_does(corpus):
    first, learner = fitted(corpus, "model.dropout=0.4", "training.local_epochs=2")
    torch.manual_seed(99)
    np.random.seed(99)
    second, again = fitted(corpus, "model.dropout=0.4", "training.local_epochs=2")
    assert bits(learner.get()) == bits(again.get())
    assert first == second
    _, other = fitted(corpus, "model.dropout=0.4", "training.local_epochs=2", seed=2)
    assert bits(other.get()) != bits(learner.get())


def test_what_was_learnt_before_leaves_no_trace(corpus):
    """One learner works for many clients: `set` and `seed` decide, not who came before."""
    _, fresh = fitted(corpus, "model.dropout=0.4")
    used = trainer(corpus, "model.dropout=0.4")
    start = used.get()
    used.fit(all_in_one_client(corpus)[0], FitOptions(seed=50))
    used.predict(np.arange(2))
    used.set(start)
    used.fit(all_in_one_client(corpus)[0], FitOptions(seed=1))
    assert bits(used.get()) == bits(fresh.get())


def test_it_learns(corpus):
    learner = trainer(corpus, "model.dropout=0")
    losses = [learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=i)).loss for i in range(15)]
    assert losses[-1] < 0.7 * losses[0]


def test_labels_that_are_not_supervised_are_not_looked_at(corpus):
    """Nor those of other conversations; they could be anything."""
    (everything,) = all_in_one_client(corpus)
    data = ClientData("own", everything.conversations, everything.supervised[::2])
    label = np.full(len(corpus), -1)
    label[data.supervised] = corpus.label[data.supervised]
    blind = replace(corpus, label=label)
    _, using_view = fitted(corpus, data=data)
    _, not_seeing = fitted(blind, data=data)
    assert bits(using_view.get()) == bits(not_seeing.get())


def test_features_of_conversations_held_by_others_are_not_looked_at(corpus):
    data = all_in_one_client(corpus)[0]
    mine = ClientData("own", data.conversations[:2], data.supervised[:10])
    features = {m: a.copy() for m, a in corpus.features.items()}
    for array in features.values():
        array[10:] = 7
    _, learner = fitted(corpus, data=mine)
    _, other = fitted(replace(corpus, features=features), data=mine)
    assert bits(learner.get()) == bits(other.get())


def test_context_counts(corpus):
    """Utterances without supervision still are what the others are understood by."""
    data = ClientData("own", np.array([0]), np.array([0, 1]))
    features = {m: a.copy() for m, a in corpus.features.items()}
    features["text"][3] += 1
    _, learner = fitted(corpus, data=data)
    _, other = fitted(replace(corpus, features=features), data=data)
    assert bits(learner.get()) != bits(other.get())


def test_steps_and_epochs(corpus):
    """Four training conversations by two, three times over; the loss is the last epoch's."""
    fit, _ = fitted(corpus, "training.local_epochs=3")
    assert fit.steps == 6
    data = all_in_one_client(corpus)[0]
    few = ClientData(
        "few", data.conversations, data.supervised[:5]
    )  # all in the first conversation
    fit, _ = fitted(corpus, "training.local_epochs=3", data=few)
    assert fit.steps == 3


def test_the_loss_is_the_sum_of_its_parts(corpus):
    fit, _ = fitted(
        corpus,
        "training.task_weight=0.5",
        "training.student_weight=2",
        "training.distillation_weight=3",
    )
    expected = 0.5 * fit.parts["task"] + 2 * fit.parts["student"] + 3 * fit.parts["distillation"]
    assert fit.loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_learning_rate_may_take_the_place_of_the_experiments(corpus, optimiser):
    settings = [f"training.optimiser={optimiser}"]
    _, given = fitted(corpus, *settings, learning_rate=0.003)
    _, own = fitted(corpus, *settings, "training.learning_rate=0.003")
    _, other = fitted(corpus, *settings)
    assert bits(given.get()) == bits(own.get()) != bits(other.get())


def test_nothing_to_learn_changes_nothing(corpus):
    empty = ClientData("empty", np.array([0]), np.zeros(0, np.int64))
    learner = trainer(corpus)
    before = bits(learner.get())
    fit = learner.fit(empty, FitOptions(seed=0))
    assert (fit.loss, fit.steps) == (0.0, 0)
    assert bits(learner.get()) == before


def test_class_weights_are_the_shares_own_unless_given(corpus):
    (data,) = all_in_one_client(corpus)
    own = class_weights(np.bincount(corpus.label[data.supervised], minlength=3))
    _, by_default = fitted(corpus)
    _, by_hand = fitted(corpus, label_balance=LabelBalance(own, np.zeros(3)))
    _, even = fitted(corpus, label_balance=EVEN)
    assert bits(by_default.get()) == bits(by_hand.get())
    assert bits(by_default.get()) != bits(even.get())


def test_votes_are_learnt_from_where_that_is_asked_for(corpus):
    random = np.random.default_rng(0)
    votes = random.integers(0, 5, size=(len(corpus), 3)).astype(np.uint8)
    votes[::4] = 0  # nobody was asked: the label counts
    several = replace(corpus, votes=votes)
    _, ignoring = fitted(several)
    _, hard = fitted(corpus)
    assert bits(ignoring.get()) == bits(hard.get())
    _, soft = fitted(several, "training.soft_labels=true")
    assert bits(soft.get()) != bits(hard.get())
    label = corpus.label.copy()
    voted = votes.any(axis=1)
    label[voted] = (label[voted] + 1) % 3
    _, first = fitted(several, "training.soft_labels=true", label_balance=EVEN)
    _, relabelled = fitted(
        replace(several, label=label), "training.soft_labels=true", label_balance=EVEN
    )
    assert bits(first.get()) == bits(
        relabelled.get()
    )  # a label is not looked at where people voted
    one_hot = np.eye(3, dtype=np.float32)[corpus.label] * 7
    unanimous, learner = fitted(replace(corpus, votes=one_hot), "training.soft_labels=true")
    assert unanimous.loss == pytest.approx(fitted(corpus)[0].loss, rel=1e-5)
    for name, array in learner.get().items():
        np.testing.assert_allclose(array, hard.get()[name], atol=1e-3)


def test_soft_labels_need_votes(corpus):
    with pytest.raises(
        UserError, match=r"training\.soft_labels: tiny has no votes; set it to false"
    ):
        trainer(corpus, "training.soft_labels=true")


def test_who_takes_labels_for_others_does_not_learn_from_votes(corpus):
    several = replace(corpus, votes=np.eye(3, dtype=np.uint8)[corpus.label])
    (data,) = all_in_one_client(several)
    own = replace(data, label=(corpus.label[data.supervised] + 1) % 3)
    learner = trainer(several, "training.soft_labels=true")
    with learner.using_view(own.view(several)):
        learner.fit(data, FitOptions(seed=1))
    hard = trainer(corpus)
    with hard.using_view(own.view(corpus)):
        hard.fit(data, FitOptions(seed=1))
    assert bits(learner.get()) == bits(hard.get())


def test_an_extra_loss_is_added(corpus):
    seen = []
    corpus_label = torch.from_numpy(np.append(corpus.label, 0))

    def extra(prediction, batch, item):
        assert torch.equal(item < len(corpus), batch.valid)
        assert torch.equal(corpus_label[item][batch.supervised], batch.label[batch.supervised])
        seen.append((prediction.embedding.shape, int(batch.supervised.sum())))
        return (prediction.embedding**2).mean() * 10

    plain, without = fitted(corpus)
    fit, learner = fitted(corpus, extra_loss=extra)
    assert [n for _, n in seen] == [10, 10]
    assert fit.parts["extra"] > 0
    assert fit.loss == pytest.approx(sum(fit.parts.values()), rel=1e-5)
    assert "extra" not in plain.parts
    assert bits(learner.get()) != bits(without.get())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_a_divergence(corpus, value):
    with pytest.raises(DivergedError, match="not finite after 2 steps"):
        fitted(corpus, extra_loss=lambda prediction, *_: prediction.logits.sum() * value)


# --- the optimiser's memory ----------------------------------------------------------------------


def test_the_optimisers_state_is_returned_only_where_it_is_kept(corpus):
    assert fitted(corpus)[0].optimiser == {}
    state = fitted(corpus, "training.optimiser_state=keep")[0].optimiser
    names = {"/".join(n.split("/")[1:-1]) for n in state}
    assert {f"model/{n}" for n in names} == set(trainer(corpus).get())
    assert state["optimiser/classify/bias/step"] == 2


def test_going_on_with_it_is_as_if_one_had_never_stopped(corpus):
    """Two fits with the state in between move as Adam does in one go: same batches, same bits."""
    settings = ["training.optimiser_state=keep", "model.dropout=0", "training.batch_size=4"]
    (data,) = all_in_one_client(corpus)
    _, learner = fitted(corpus, *settings)
    whole = trainer(corpus, *settings, "training.local_epochs=2")
    parts = trainer(corpus, *settings)
    whole.fit(data, FitOptions(seed=1))
    state = parts.fit(data, FitOptions(seed=1)).optimiser
    middle = parts.get()
    assert bits(middle) == bits(learner.get())
    other = trainer(corpus, *settings)
    other.set(middle)
    fit = other.fit(data, FitOptions(seed=1, optimiser=state))
    assert fit.optimiser["optimiser/classify/bias/step"] == 2
    for name, array in whole.get().items():
        np.testing.assert_allclose(other.get()[name], array, atol=1e-5)  # order of a sum apart
    forgetful = trainer(corpus, *settings)
    forgetful.set(middle)
    forgetful.fit(data, FitOptions(seed=1))
    assert max(abs(forgetful.get()[n] - a).max() for n, a in whole.get().items()) > 1e-3


def test_the_state_given_is_not_written_to(corpus):
    settings = ["training.optimiser_state=keep"]
    state = fitted(corpus, *settings)[0].optimiser
    before = bits(state)
    fitted(corpus, *settings, optimiser=state)
    assert bits(state) == before


# --- predict -------------------------------------------------------------------------------------


def test_predictions_are_in_row_order_and_are_distributions(corpus):
    learner = trainer(corpus)
    found = learner.predict(np.array([4, 0, 2]))
    assert found.item.tolist() == [*range(5), *range(10, 15), *range(20, 25)]
    np.testing.assert_allclose(found.probability.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.modality_weights.sum(axis=1), 1, rtol=1e-5)
    assert found.probability.shape == (15, 3)
    assert found.embedding.shape == (15, learner.embedding_dim) == (15, 8)


def test_a_missing_modality_weighs_nothing(corpus):
    found = trainer(corpus).predict(np.arange(6))
    absent = ~corpus.present["audio"][found.item]
    assert absent.any()
    assert (found.modality_weights[absent, 0] == 0).all()  # audio comes before text


def test_company_changes_no_prediction(make_corpus):
    """Alone, or in a batch with longer conversations."""
    many = make_corpus(conversations=20, turns=5)
    learner = trainer(many)
    together = learner.predict(np.arange(20))
    for conversation in (0, 7, 19):
        alone = learner.predict(np.array([conversation]))
        rows = slice(5 * conversation, 5 * conversation + 5)
        np.testing.assert_allclose(alone.probability, together.probability[rows], atol=1e-5)


def test_prediction_is_without_dropout_and_leaves_the_model(corpus):
    learner = trainer(corpus, "model.dropout=0.5")
    before = bits(learner.get())
    first, second = learner.predict(np.arange(3)), learner.predict(np.arange(3))
    np.testing.assert_array_equal(first.probability, second.probability)
    assert bits(learner.get()) == before


def test_statistics_scale_what_the_model_sees(corpus):
    """The same as features scaled beforehand; what is absent stays 0 in both."""
    statistics, scaled = {}, {}
    for name, array in corpus.features.items():
        mean, scale = array.mean(axis=0), array.std(axis=0)
        statistics |= {f"features/{name}/mean": mean, f"features/{name}/scale": scale}
        scaled[name] = np.where(corpus.present[name][:, None], (array - mean) / scale, 0)
    learner = trainer(corpus)
    learner.set({**learner.get(), **statistics})
    beforehand = trainer(replace(corpus, features=scaled))
    close(learner.predict(np.arange(6)), beforehand.predict(np.arange(6)))
    plain = trainer(corpus).predict(np.arange(6))
    assert abs(plain.probability - learner.predict(np.arange(6)).probability).max() > 1e-3


def test_other_statistics_replace_the_first(corpus):
    def statistics(shift):
        return {
            f"features/{m}/{part}": np.full(a.shape[1], value, np.float32)
            for m, a in corpus.features.items()
            for part, value in (("mean", shift), ("scale", 2.0))
        }

    once, twice = trainer(corpus), trainer(corpus)
    once.set({**once.get(), **statistics(3.0)})
    twice.set({**twice.get(), **statistics(1.0)})
    twice.set({**twice.get(), **statistics(3.0)})
    close(once.predict(np.arange(6)), twice.predict(np.arange(6)))


def test_what_a_client_has_no_data_for_stays_as_it_was(corpus):
    """Weight decay would wear it away, and the others average that in."""
    deaf = replace(corpus, present={**corpus.present, "audio": np.zeros(len(corpus), bool)})
    before = trainer(deaf, "training.weight_decay=0.1").get()
    _, learner = fitted(deaf, "training.weight_decay=0.1")
    after = learner.get()
    assert np.array_equal(before["model/project/audio/weight"], after["model/project/audio/weight"])
    assert not np.array_equal(
        before["model/project/text/weight"], after["model/project/text/weight"]
    )


def test_modalities_are_hidden_while_learning_alone(corpus, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "fedaffect.learning.torch.trainer.hide_modalities",
        lambda batch, probability: asked.append(probability) or batch,
    )
    fit, learner = fitted(corpus, "training.modality_dropout=0.25")
    assert asked == [0.25] * fit.steps
    learner.predict(np.arange(6))
    assert len(asked) == fit.steps
    fitted(corpus)
    assert len(asked) == fit.steps


def test_a_server_cannot_teach_a_model_without_students(corpus):
    soft = np.full((len(corpus), 3), 1 / 3, np.float32)
    plain = Experiment().with_settings(["model={name='early_fusion', width=8}"])
    learner = ConversationTrainer(corpus, plain)
    with pytest.raises(UserError, match="this model has no students"):
        learner.fit(all_in_one_client(corpus)[0], FitOptions(seed=0, teacher=soft))


# --- a client's own view of the corpus ------------------------------------------------------------


def view_of(corpus):
    """Without audio, and with every other label another one."""
    hidden = {"audio": np.ones(len(corpus), bool)}
    data = all_in_one_client(corpus)[0]
    label = np.where(data.supervised % 2, (corpus.label[data.supervised] + 1) % 3, 0)
    return replace(data, hidden=hidden, label=label).view(corpus)


def test_who_sees_a_view_learns_and_predicts_as_if_there_were_nothing_else(corpus):
    view, data = view_of(corpus), all_in_one_client(corpus)[0]
    learner, other = trainer(corpus), trainer(view)
    with learner.using_view(view):
        fit, predicted = learner.fit(data, FitOptions(seed=1)), learner.predict(np.arange(6))
    assert (fit, bits(learner.get())) == (other.fit(data, FitOptions(seed=1)), bits(other.get()))
    assert bits(vars(predicted) | {"embedding_by_modality": np.zeros(0)}) == bits(
        vars(other.predict(np.arange(6))) | {"embedding_by_modality": np.zeros(0)}
    )
    assert bits(learner.get()) != bits(fitted(corpus)[1].get())


def test_a_view_ends_whatever_happened_in_it(corpus):
    learner, view = trainer(corpus), view_of(corpus)
    statistics = {
        f"features/{m}/{part}": np.full(a.shape[1:], 2.0, np.float32)
        for m, a in corpus.features.items()
        for part in ("mean", "scale")
    }
    with suppress(DivergedError), learner.using_view(view):
        learner.set({**learner.get(), **statistics})  # scales the features anew
        raise DivergedError
    other = trainer(corpus)
    other.set({**learner.get(), **statistics})
    data = all_in_one_client(corpus)[0]
    assert learner.fit(data, FitOptions(seed=1)) == other.fit(data, FitOptions(seed=1))
    assert bits(learner.get()) == bits(other.get())
