"""The conditions of a run, by its experiment, in words."""

from collections.abc import Mapping
from typing import Any

from fedaffect.experiment import Experiment


def conditions_in_words(experiment: Mapping[str, Any]) -> str:
    """A phrase for each condition, of an experiment as a run's record has it; empty where nothing did."""
    given = Experiment().conditions.model_dump() | dict(experiment.get("conditions", {}))
    which, discount = given["missing_modality"], given["late_discount"]
    where = " of the training part" if given["missing_in"] == "train" else ""
    less = f", weighing {discount:g} times as much for each round" if discount < 1 else ""
    phrases = {
        "missing_clients": f"{{}} of the clients have nothing of {which or 'one modality, drawn for each'}",
        "missing_utterances": f"{which or 'each modality'} is missing from {{}} of the utterances{where}, "
        "but never the last",
        "corrupted_pictures": "{} of the pictures of the training part are corrupted as in a car",
        "label_noise": "{} of the labels that clients learn from are wrong",
    }
    if experiment["algorithm"]["name"] != "centralised":  # where there is no client and no network
        phrases |= {
            "stragglers": "{} of a round's clients have time for a part of their steps only",
            "drop_out": "{} of a round's clients fail before they send",
            "lost": "{} of the updates are lost on their way",
            "late": f"{{}} of the updates miss their round, and as many of these the next{less}",
        }
    shares = ((phrase, given[name]) for name, phrase in phrases.items())
    return "; ".join(phrase.format(f"{100 * share:g} %") for phrase, share in shares if share)
