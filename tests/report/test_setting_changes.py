from fedaffect.experiment import Experiment, flat
from fedaffect.report.setting_changes import differing


def experiment(*settings: str) -> dict[str, object]:
    return Experiment().with_settings(settings).model_dump(mode="json")


def test_only_what_differs_and_neither_name_nor_seed() -> None:
    one = experiment("name=one", "seed=1", "rounds.count=5")
    assert differing([one, experiment("rounds.count=7")]) == {"rounds.count": [5, 7]}
    assert differing([one, one]) == {}


def test_settings_that_only_one_algorithm_has_are_not_compared_with_others() -> None:
    both = experiment("algorithm.name=fedmpd", "algorithm.exchange=both")
    weights = experiment("algorithm.name=fedmpd", "algorithm.exchange=weights")
    average = experiment("algorithm.name=fedavg")
    assert differing([both, average]) == {"algorithm.name": ["fedmpd", "fedavg"]}
    assert differing([both, average, weights])["algorithm.exchange"] == ["both", None, "weights"]


def test_a_setting_that_joined_later_had_its_default() -> None:
    old = experiment()
    del old["rounds"]["record"], old["engine"]  # type: ignore[attr-defined]
    assert differing([old, experiment()]) == {}
    older = {**experiment(), "model": {"name": "sdt"}}
    newer = {**experiment(), "model": {"name": "sdt", "roles": False}}
    assert differing([older, newer]) == {"model.roles": [None, False]}


def test_flat() -> None:
    assert flat({"a": {"b": 1}, "c": 2}) == {"a.b": 1, "c": 2}
