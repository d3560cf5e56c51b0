from fedaffect.experiment import Experiment
from fedaffect.record.conditions_in_words import conditions_in_words


def words(*settings: str) -> str:
    return conditions_in_words(Experiment().with_settings(settings).model_dump(mode="json"))


def test_where_all_goes_well_nothing_is_said() -> None:
    assert words() == words("scenario=speakers") == ""
    assert conditions_in_words({"algorithm": {"name": "fedavg"}}) == ""  # a record from before


def test_each_condition_in_words() -> None:
    given = ["scenario=one-modality-missing", "scenario=patchy-recordings", "scenario=noisy-labels"]
    given += ["scenario=stragglers", "scenario=drop-outs", "scenario=unreliable-network"]
    data = [
        "50 % of the clients have nothing of one modality, drawn for each",
        "each modality is missing from 30 % of the utterances, but never the last",
        "20 % of the labels that clients learn from are wrong",
    ]
    assert words(*given).split("; ") == [
        *data,
        "50 % of a round's clients have time for a part of their steps only",
        "30 % of a round's clients fail before they send",
        "10 % of the updates are lost on their way",
        "30 % of the updates miss their round, and as many of these the next, weighing 0.5 times as much "
        "for each round",
    ]
    assert words(*given, "algorithm.name=centralised").split("; ") == data


def test_a_modality_by_name() -> None:
    named = "conditions.missing_modality=video"
    assert (
        words("conditions.missing_clients=1", named) == "100 % of the clients have nothing of video"
    )
    assert words("conditions.missing_utterances=0.125", named) == (
        "video is missing from 12.5 % of the utterances of the training part, but never the last"
    )
