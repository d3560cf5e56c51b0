"""`summary.json`: the flat figures of a run, and the means over several seeds."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedaffect.federation.events import Event
from fedaffect.record.conditions_in_words import conditions_in_words
from fedaffect.record.files import SUMMARY, read_object, write_text
from fedaffect.record.history import History

Summary = dict[str, Any]
SCORES = ("weighted_f1", "macro_f1", "accuracy", "uar")


def summarise(history: History) -> Summary:
    """The flat summary of one run.

    Figures of the primary evaluation stand as `test_*` and `dev_*` (dev at the selected round), those
    of a further mode as `MODE_test_*` and `MODE_dev_*`. An unfinished run has `finished: false` and no
    scores. What only rounds show (how clients fluctuate, how far prototypes lie apart) is null where
    `rounds.record` left them out, and what it took to reach `rounds.target` where it was not reached. Only
    what `timing` holds may differ between two executions of the same experiment.
    """
    finish, experiment, corpus = history.finish, history.experiment, history.corpus
    summary: Summary = {
        "run": history.start["run"],
        "finished": finish is not None,
        "algorithm": history.start["algorithm"],
        "exchange": experiment["algorithm"].get("exchange"),
        "model": experiment["model"]["name"],
        "partition": experiment["partition"]["name"],
        "conditions": conditions_in_words(experiment),
        "corpus": corpus["name"],
        "synthetic": corpus["synthetic"],
        "pairing": corpus["pairing"],
        "seed": experiment["seed"],
        "evaluation": history.primary,
        "selection": experiment["rounds"]["selection"],
        "parameters": history.start["parameters"],
        "clients": len(history.clients),
        "never_selected": None if (never := history.never_selected) is None else len(never),
        "rounds": history.rounds_done,
        "bytes_evaluation": (finish or {}).get("bytes_evaluation"),
        "bytes_up": history.bytes_in("up"),
        "bytes_down": history.bytes_in("down"),
    }
    target = experiment["rounds"].get("target")
    if target:
        reached = history.reached(target)
        rounds, moved = reached or (None, None)
        summary |= {"reached_target": int(reached is not None)}
        summary |= {"rounds_to_target": rounds, "bytes_to_target": moved}
    if finish is not None:
        summary |= _outcome(finish, history)
    return summary


def write_summary(folder: Path) -> Summary:
    """Write `summary.json` into the folder of a run, or of several seeds, and return it.

    Raises:
        UserError: neither a run nor the seeds of one.
    """
    summary = _compute(folder)
    write_text(folder / SUMMARY, json.dumps(summary, indent=2) + "\n")
    return summary


def read_summary(folder: Path) -> Summary:
    """A run's `summary.json`, or what its events give where there is none; seeds are summed up anew.

    Raises:
        UserError: neither a run nor the seeds of one, or not JSON.
    """
    path = folder / SUMMARY
    if path.is_file() and not seed_folders(folder):
        return read_object(path, ["finished"], "delete it to rebuild it")
    return _compute(folder)


def summarise_seeds(folder: Path) -> Summary:
    """`merged` of the finished seeds of a run, with which and how many they are."""
    summaries = [read_summary(seed) for seed in seed_folders(folder)]
    finished = [summary for summary in summaries if summary["finished"]]
    found: Summary = {"run": folder.name, "finished": len(finished) == len(summaries)}
    found |= {"n": len(finished), "seeds": [summary["seed"] for summary in finished]}
    found |= merged(finished or summaries)
    seconds = [summary.get("timing", {}).get("seconds") for summary in finished]
    found["timing"] = {"seconds": sum(s for s in seconds if s is not None)}
    return found


def merged(summaries: Sequence[Summary]) -> Summary:
    """Mean and sample standard deviation (`*_sd`) of every figure of one or more seeds.

    What is equal in all is kept as it is; `client_sd` and its like are means too.
    """
    found: Summary = {}
    for key in summaries[0]:
        if key in ("run", "finished", "seed", "timing"):
            continue
        values = [summary.get(key) for summary in summaries]
        known = [v for v in values if v is not None]
        value = known[0] if known else None
        if isinstance(value, float):
            found[key] = statistics.fmean(known)
            found[f"{key}_sd"] = statistics.stdev(known) if len(known) > 1 else None
        elif all(v == value for v in values):
            found[key] = value
        elif isinstance(value, int) and not isinstance(value, bool):
            found[key] = statistics.fmean(known)
    return found


def seed_folders(folder: Path) -> list[Path]:
    """The `seed-K` folders of a run over several seeds, by K; none for a plain run."""
    found = [p for p in folder.glob("seed-*") if p.name.removeprefix("seed-").isdecimal()]
    return sorted(found, key=lambda p: int(p.name.removeprefix("seed-")))


def _compute(folder: Path) -> Summary:
    if seed_folders(folder):
        return summarise_seeds(folder)
    return summarise(History.read(folder))


def _outcome(finish: Event, history: History) -> Summary:
    outcome: Summary = {"stopped": finish["stopped"], "selected_round": finish["selected_round"]}
    for mode in history.start["evaluations"]:
        prefix = "" if mode == history.primary else f"{mode}_"
        outcome |= _scores(f"{prefix}test", finish["test"].get(mode, {}))
        outcome |= _scores(f"{prefix}dev", finish["dev"].get(mode, {}))
    spread = finish["test"].get("personal", {})
    outcome["client_sd"] = spread.get("sd")
    outcome["client_worst_tenth"] = spread.get("worst_tenth")
    for name, value in finish["stability"].items():
        outcome[f"stability_{name}"] = value
    for name, value in (finish.get("best_test") or {}).items():
        outcome[f"best_test_{name}"] = value
    outcome["prototype_separation"] = history.separation(finish["selected_round"])
    outcome["stability_client_sd_last_5"] = history.client_sd_last_5
    outcome["rounds"] = finish["rounds"]
    outcome["timing"] = finish["timing"]
    return outcome


def _scores(prefix: str, scores: Mapping[str, Any]) -> Summary:
    flat: Summary = {f"{prefix}_{name}": scores[name] for name in SCORES if name in scores}
    if scores.get("interval"):
        low, high = scores["interval"]
        flat |= {f"{prefix}_interval_low": low, f"{prefix}_interval_high": high}
    if "calibration_error" in scores:
        flat[f"{prefix}_calibration_error"] = scores["calibration_error"]
    return flat
