from collections.abc import Callable
from pathlib import Path

import numpy as np

from fedaffect.corpus import ConversationCorpus, store
from fedaffect.corpus.perturbations import hide_from_utterances
from fedaffect.experiment import Experiment
from fedaffect.runs.execute import corpus_of


def test_a_run_learns_from_the_modalities_that_take_part_and_are_not_missing(
    make_corpus: Callable[..., ConversationCorpus], tmp_path: Path
) -> None:
    """In dev and test too, where that was asked for; by the run's own seed."""
    corpus = make_corpus(modalities={"text": 4, "audio": 3, "video": 2}, conversations=8)
    store.save(corpus, tmp_path / "corpus")
    asked = (f"data={tmp_path / 'corpus'}", 'features.modalities=["text", "video"]', "seed=5")
    experiment = Experiment().with_settings([*asked, "scenario=patchy-recordings"])
    found, pair = corpus_of(experiment), corpus.with_modalities(("text", "video"))
    expected = hide_from_utterances(pair, experiment.conditions, 5)
    for name, present in expected.present.items():
        assert np.array_equal(found.present[name], present)
        assert not present[~corpus.items_in("train")].all()
    assert corpus_of(Experiment().with_settings(asked)).present["text"].all()
