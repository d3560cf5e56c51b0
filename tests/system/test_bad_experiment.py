"""An experiment that cannot be run: one line that says why, exit code 2, nothing written."""

import os

import numpy as np
import pytest

IMPORT = ("data", "import")
RUN = ("run", "tiny.toml", "--out", "run")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "nope"], r"nope: no such preset; give a \.toml file or one of: cmn, demo"),
        (["run", "gone.toml"], r"gone\.toml: no such experiment file"),
        (
            [*RUN, "--set", "training.speed=1"],
            r"training\.speed: no such setting; known here: batch",
        ),
        (
            [*RUN, "--set", "trainings.speed=1"],
            r"trainings: no such setting; known here: algorithm",
        ),
        ([*RUN, "--set", "rounds.count=many"], r"rounds\.count: .*integer.*'many'"),
        ([*RUN, "--set", "rounds.count"], r"--set rounds\.count: write it as section\.name=value"),
        ([*RUN, "--set", "training=3"], r"training: .*3"),
        ([*RUN, "--scenario", "rain"], r"rain: no such scenario; .*one of: dirichlet-0\.3, drop-"),
        (
            [*RUN, "--scenario", "speakers", "--scenario", "unequal-volumes"],
            r"scenarios speakers and unequal-volumes clash: one sets partition\.name to 'person'",
        ),
        (
            [
                *RUN,
                "--set",
                "conditions.missing_clients=1",
                "--set",
                'features.modalities=["text"]',
            ],
            r"conditions\.missing_clients: .* one modality",
        ),
        (
            [*RUN, "--set", "training.learning_rate=nan"],
            r"training\.learning_rate: .*greater than 0",
        ),
        ([*RUN, "--set", "model.depth=2"], r"model: depth: no such setting; known here: .*heads"),
        ([*RUN, "--set", "model.heads=3"], r"model: .*width 8 is not a multiple of heads 3"),
        ([*RUN, "--set", "model.name=bert"], r"model\.name: no model `bert`; Known: .*sdt"),
        ([*RUN, "--set", 'model.modality_order=["text","smell"]'], r"modality_order.*audio, text"),
        (
            [*RUN, "--set", "algorithm.name=fedsgd"],
            r"algorithm\.name: no algorithm .*Known: .*fedavg",
        ),
        (
            [*RUN, "--set", "algorithm.name=no.where:X"],
            r"algorithm\.name: cannot import `no\.where`",
        ),
        ([*RUN, "--set", "algorithm.mu=1"], r"algorithm fedavg: mu: no such setting"),
        (
            [*RUN, "--set", "partition.clients=9"],
            r"partition\.clients: 9 clients cannot share 8.*most 8",
        ),
        ([*RUN, "--set", "name=a/b"], r"name: .*'a/b'"),
        ([*RUN, "--device", "cuda"], r"device: `cuda` was asked for, .*no GPU; use device=cpu"),
        ([*RUN, "--device", "abacus"], r"device: .*cuda.*'abacus'"),
        (
            [*RUN, "--data", "gone"],
            r"gone: not a corpus folder.*make one with `fedaffect data import",
        ),
        ([*RUN, "--data", "tiny.npz"], r"tiny\.npz: not a corpus folder"),
        (["run", "tiny.toml", "--out", "tiny.npz/run"], r"tiny\.npz/run: Not a directory"),
        (["run", "tiny.toml", "--out", "tiny.npz"], r"tiny\.npz: "),
        (["run", "tiny.toml", "--out", "corpus"], r"corpus: not empty and no run; choose another"),
        (["run", "tiny.toml", "--out", "corpus", "--seeds", "2"], r"corpus: holds something else"),
        (["show", "corpus"], r"corpus: no events\.jsonl there; give the folder of a run"),
        (["show", "gone"], r"gone: no events\.jsonl there"),
        (["runs", "--folder", "gone"], r"gone: no such folder"),
        (
            ["predict", "corpus", "--data", "corpus"],
            r"corpus/model: no trained model here; name a finished run",
        ),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_arguments_that_cannot_be_used(arguments, expected, place, untouched, match):
    if "cuda" in arguments and os.path.exists("/dev/nvidia0"):  # noqa: PTH110
        pytest.skip("a GPU is here")
    untouched()
    match(expected, place(*arguments).complaint)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name = ", r"bad\.toml: not valid TOML"),
        (b'name = "caf\xe9"', r"bad\.toml: not UTF-8"),
        (b"[algorithm]\nname = 3", r"bad\.toml: algorithm\.name: .*string.*3"),
    ],
)
def test_a_bad_experiment_file(content, expected, place, untouched, match):
    (place / "bad.toml").write_bytes(content)
    untouched()
    match(expected, place("run", "bad.toml", "--out", "run").complaint)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_part_without_labels_can_teach_or_judge_nothing(split, place, layout, untouched, match):
    arrays = layout()
    arrays["label"][arrays["split"] == split] = -1
    np.savez(place / "bad.npz", **arrays)
    place.ok(*IMPORT, "bad.npz", "--out", "half")
    untouched()
    match(
        rf"bad: split: no labelled utterance in `{split}`.*give",
        place(*RUN, "--data", "half").complaint,
    )


def test_a_corpus_without_dev(place, layout, untouched, match):
    arrays = layout()
    arrays["split"][arrays["split"] == "dev"] = "test"
    np.savez(place / "bad.npz", **arrays)
    assert "warning: split: `dev` is empty" in place.ok(*IMPORT, "bad.npz", "--out", "half")
    untouched()
    match("split: no labelled utterance in `dev`", place(*RUN, "--data", "half").complaint)


def test_a_run_that_diverges_says_what_to_change(place, match):
    done = place(*RUN, "--set", "training.learning_rate=1e30")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    match(r"3 rounds in a row were lost.*not finite.*lower training\.learning_rate", done.err)


def test_a_full_disk_in_a_process_of_several(place, match):
    done = place(*RUN, "--seeds", "2", "--jobs", "2", file_limit=3_000)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    match(r"run/seed-[01]/events\.jsonl: File too large; see", done.err)
