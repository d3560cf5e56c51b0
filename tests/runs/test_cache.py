from pathlib import Path

from fedaffect.experiment import Experiment
from fedaffect.runs.cache import digest
from fedaffect.runs.execute import resolved


def test_a_digest_tells_experiments_apart_whatever_their_seed() -> None:
    one = Experiment()
    assert digest(one) == digest(one.with_settings(["seed=5"]))
    assert digest(one) != digest(one.with_settings(["rounds.count=5"]))
    assert len(digest(one)) == 16
    assert digest(one) == digest(one.with_settings(["engine.workers=2"]))  # the same figures
    assert digest(one) != digest(one.with_settings(["algorithm.name=local"]))


def test_a_setting_at_its_default_is_as_good_as_none() -> None:
    """Runs from before a setting existed are found again."""
    one = resolved(Experiment.load("demo"))
    table = one.model_dump()
    del table["rounds"]["record"], table["model"]["roles"]
    assert digest(Experiment.from_table(table, "")) == digest(one)


def test_a_trace_counts_by_its_content(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("client,first,last\n")
    one = Experiment.load("demo", [f"clients.availability=trace({trace})"])
    before = digest(one)
    trace.write_text("client,first,last\nclient-00,1,2\n")
    assert digest(one) != before
