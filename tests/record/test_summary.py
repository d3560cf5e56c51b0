import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.federation import events as chain
from fedaffect.record.history import History
from fedaffect.record.summary import (
    read_summary,
    seed_folders,
    summarise,
    summarise_seeds,
    write_summary,
)

MakeRun = Callable[..., Path]


def test_the_summary_is_flat_and_names_what_it_is_of(make_run: MakeRun) -> None:
    folder = make_run(settings=("algorithm.name=fedmpd", "algorithm.exchange=both"))
    summary = summarise(History.read(folder))
    (end,) = [e for e in chain.read(folder / "events.jsonl") if e["kind"] == "run_finished"]

    assert summary["test_weighted_f1"] == end["test"]["global"]["weighted_f1"]
    assert summary["personal_test_macro_f1"] == end["test"]["personal"]["macro_f1"]
    assert summary["dev_uar"] == end["dev"]["global"]["uar"]
    assert (
        summary["test_interval_low"] < summary["test_weighted_f1"] < summary["test_interval_high"]
    )
    assert (summary["client_sd"], summary["client_worst_tenth"]) == (0.071, 0.42)
    assert summary["stability_rounds_to_within_1_point"] == 4
    assert (summary["algorithm"], summary["exchange"]) == ("fedmpd", "both")
    assert summary["prototype_separation"] == pytest.approx(0.1 * 4 / 0.5)  # of the selected round
    assert (summary["rounds"], summary["selected_round"], summary["clients"]) == (5, 4, 4)
    assert (summary["never_selected"], summary["evaluation"]) == (1, "global")
    assert [k for k, v in summary.items() if isinstance(v, dict | list)] == ["timing"]


def test_only_timing_tells_one_execution_from_another(make_run: MakeRun) -> None:
    plain, killed = make_run("a/run"), make_run("b/run", resumed_at=3)
    once, twice = read_summary(plain), read_summary(killed)
    # The hand-made run draws its random numbers in a different order after a kill.
    assert once.keys() == twice.keys()
    assert not any("seconds" in key or "host" in key for key in once if key != "timing")
    assert once["timing"] == {"seconds": 75.0, "host": "a-host"}
    assert (once["bytes_up"], once["rounds"]) == (twice["bytes_up"], twice["rounds"])


def test_an_unfinished_run_has_no_scores(make_run: MakeRun) -> None:
    summary = write_summary(make_run(finished=False))
    assert summary["finished"] is False
    assert summary["rounds"] == 5
    assert not any(key.startswith("test_") for key in summary)


def test_what_is_written_is_strict_json(make_run: MakeRun) -> None:
    folder = make_run()
    written = write_summary(folder)
    text = (folder / "summary.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == written
    assert [path.name for path in folder.glob(".*")] == []


def test_seeds_are_summed_up_by_mean_and_sample_deviation(make_run: MakeRun) -> None:
    folders = [make_run(f"many/seed-{k}", seed=k, gain=0.1 * k) for k in (0, 1, 10)]
    many = folders[0].parent
    assert [p.name for p in seed_folders(many)] == ["seed-0", "seed-1", "seed-10"]
    for folder, value in zip(folders, (0.5, 0.6, 0.7), strict=True):
        summary = write_summary(folder) | {"test_weighted_f1": value, "bytes_up": 10}
        (folder / "summary.json").write_text(json.dumps(summary))

    merged = summarise_seeds(many)

    assert (merged["n"], merged["seeds"]) == (3, [0, 1, 10])
    assert merged["test_weighted_f1"] == pytest.approx(0.6)
    assert merged["test_weighted_f1_sd"] == pytest.approx(0.1)
    assert merged["client_sd"] == pytest.approx(0.071)
    assert merged["client_sd_sd"] == pytest.approx(0.0)
    assert (merged["bytes_up"], merged["algorithm"], merged["synthetic"]) == (10, "fedavg", True)
    assert merged["timing"] == {"seconds": 225.0}
    assert write_summary(many) == merged == read_summary(many)


def test_an_unfinished_seed_is_left_out_of_the_means(make_run: MakeRun) -> None:
    many = make_run("many/seed-0").parent
    make_run("many/seed-1", finished=False)
    merged = summarise_seeds(many)
    assert (merged["finished"], merged["n"]) == (False, 1)
    assert merged["test_weighted_f1_sd"] is None


def test_rounds_and_bytes_to_a_target(make_run: MakeRun) -> None:
    """Dev scores of the hand-made run: 0.68 - 0.45 · 0.8^round = 0.320, 0.392, 0.4496, ..."""
    folder = make_run("near", settings=("rounds.target=0.4",))
    summary = read_summary(folder)
    events = list(chain.read(folder / "events.jsonl"))
    counted = [e for e in events if e["kind"] in ("statistics_finished", "round_finished")][:4]
    moved = sum(e["bytes_up"] + e["bytes_down"] for e in counted)
    assert (summary["reached_target"], summary["rounds_to_target"]) == (1, 3)
    assert summary["bytes_to_target"] == moved

    far = read_summary(make_run("far", settings=("rounds.target=0.9",)))
    assert (far["reached_target"], far["rounds_to_target"], far["bytes_to_target"]) == (
        0,
        None,
        None,
    )
    silent = make_run("silent", settings=("rounds.target=0.4",), record="ends")
    assert read_summary(silent)["rounds_to_target"] is None
    assert "rounds_to_target" not in read_summary(make_run("none"))


def test_a_mean_to_a_target_is_over_the_seeds_that_reached_it(make_run: MakeRun) -> None:
    runs = [
        make_run(f"many/seed-{k}", seed=k, gain=gain, settings=("rounds.target=0.45",))
        for k, gain in enumerate((-0.3, 0.0, 0.1))
    ]
    each = [read_summary(run)["rounds_to_target"] for run in runs]
    merged = summarise_seeds(runs[0].parent)
    assert each == [None, 4, 2]
    assert merged["rounds_to_target"] == 3
    assert merged["reached_target"] == pytest.approx(2 / 3)


def test_a_spoilt_summary_is_named(make_run: MakeRun) -> None:
    folder = make_run()
    (folder / "summary.json").write_text("{")
    with pytest.raises(UserError, match=r"summary\.json: not valid JSON"):
        read_summary(folder)


def test_what_was_not_recorded_is_null_until_the_end_tells_it(make_run: MakeRun) -> None:
    whole = read_summary(make_run("a", seed=3))
    for record in ("rounds", "ends"):
        unknown = {"run": record, "prototype_separation": None}
        unknown |= {"stability_client_sd_last_5": None} if record == "ends" else {}
        assert read_summary(make_run(record, seed=3, record=record)) == whole | unknown
    summary = write_summary(make_run("b", record="ends", finished=False))
    assert {summary[k] for k in ("rounds", "never_selected", "bytes_up", "bytes_down")} == {None}
