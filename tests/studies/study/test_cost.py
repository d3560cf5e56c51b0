import json
from collections.abc import Callable

import pytest

from fedaffect.errors import UserError
from fedaffect.learning import saved
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.runs.execute import corpus_of
from fedaffect.studies.study import cost
from fedaffect.studies.study.entries import Entry, Study
from fedaffect.studies.study.rows import read_row

RIGHT = [[[2, 0], [0, 2]]]
Finish = Callable[..., None]
Rows = tuple[Entry, ...]


def test_only_finished_global_models_that_were_not_measured(talk: Rows, finish: Finish) -> None:
    plain, _, alone = (next(iter(entry.candidates.values())) for entry in talk)
    assert cost.unmeasured([plain, alone]) == []
    finish(talk[0], [RIGHT])
    finish(talk[2], [RIGHT], evaluation="local")
    assert cost.unmeasured([plain, alone, plain]) == [plain]
    (plain.folder / "cost.json").write_text("{}")
    assert cost.unmeasured([plain]) == []


def test_a_saved_model_is_measured_in_a_process_of_its_own(
    table: Study, talk: Rows, finish: Finish
) -> None:
    """The synthetic corpus has 20 test conversations; the tenth of them by length is what is predicted."""
    finish(talk[0], [RIGHT])
    variant = talk[0].candidates[""]
    corpus = corpus_of(variant.experiment)
    model = [("model", ConversationTrainer(corpus, variant.experiment).get())]
    saved.save(variant.jobs(1)[0].folder / "model", variant.experiment, corpus, model, "")
    cost.measure(variant)
    found = cost.read(variant)
    assert found is not None
    lengths = [corpus.rows(c).stop - corpus.rows(c).start for c in corpus.conversations_in("test")]
    assert found.utterances == sorted(lengths)[(len(lengths) - 1) // 2]
    assert 0 < found.latency_ms < 10_000
    assert 50 < found.peak_mb < 5_000
    assert read_row(table, talk[0]).cost == found
    assert read_row(table, talk[0], with_cost=False).cost is None


def test_what_the_process_refuses_is_passed_on(talk: Rows, finish: Finish) -> None:
    finish(talk[0], [RIGHT])
    with pytest.raises(UserError, match="no trained model here"):
        cost.measure(talk[0].candidates[""])


def test_a_damaged_file_names_its_cure(table: Study, talk: Rows, finish: Finish) -> None:
    finish(talk[0], [RIGHT])
    (talk[0].candidates[""].folder / "cost.json").write_text(json.dumps({"latency_ms": 1}))
    with pytest.raises(UserError, match=r"cost.json: no `peak_mb`; delete it to measure again"):
        read_row(table, talk[0])
