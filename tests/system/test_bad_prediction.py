"""A prediction that cannot be made: one line that says why, exit code 2, nothing written."""

import shutil

import numpy as np
import pytest

IMPORT = ("data", "import")


def test_clients_that_a_run_does_not_have(finished, match):
    one, many = ("predict", "runs/one"), ("predict", "runs/many")
    data = ("--data", "corpus")
    match(r"runs/many: .*choose one with --client: client-00, ", finished(*many, *data).complaint)
    unknown = finished(*many, *data, "--client", "me").complaint
    match(r"runs/many: .*choose one with --client: client-00, client-01", unknown)
    needless = finished(*one, *data, "--client", "me").complaint
    match(r"runs/one: --client me: there is one model, `model`; leave", needless)
    match(
        r"runs/seeds: .*2 seeds; .*: runs/seeds/seed-0",
        finished("predict", "runs/seeds", *data).complaint,
    )


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("gpu", r"--device: device: String should match pattern .*cuda.* \(given: 'gpu'\)"),
        ("cuda:99", r"device: `cuda:99` was asked for, but torch finds .* GPU; use device=cpu"),
    ],
)
def test_a_device_that_is_not_there(device, expected, finished, match):
    command = ("predict", "runs/one", "--data", "corpus", "--device", device)
    match(expected, finished(*command).complaint)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda arrays: arrays.update(text=arrays["text"][:, :5]),
            r"other: modality `text` has features of shape \(5,\), the model was trained on \(6,\)",
        ),
        (
            lambda arrays: arrays.update(smell=arrays.pop("text")) or audio_gone(arrays),
            r"other: has smell, none of the model's modalities; give a corpus with audio or text",
        ),
        (
            lambda arrays: arrays.update(role=arrays["turn"] % 4),
            r"other: .*4 roles, the model knows 2",
        ),
    ],
    ids=["dims", "modalities", "roles"],
)
def test_corpora_that_do_not_fit_the_model(change, expected, finished, layout, tmp_path, match):
    arrays = layout()
    change(arrays)
    np.savez(tmp_path / "other.npz", **arrays)
    finished.ok(*IMPORT, tmp_path / "other.npz", "--out", tmp_path / "other")
    out = tmp_path / "out.csv"
    match(
        expected,
        finished("predict", "runs/one", "--data", tmp_path / "other", "--out", out).complaint,
    )
    assert not out.exists()


def audio_gone(arrays: dict[str, np.ndarray]) -> None:
    del arrays["audio"], arrays["audio_present"]


def test_a_damaged_model(finished, tmp_path, match):
    run = tmp_path / "run"
    shutil.copytree(finished / "runs/one", run)
    weights, config = run / "model/model.safetensors", run / "model/config.json"
    weights.write_bytes(weights.read_bytes()[:-1])
    predict = ("predict", run, "--data", "corpus")
    match(r"model\.safetensors: cannot be read: ", finished(*predict).complaint)
    config.write_text(config.read_text().replace('"width": 8', '"width": 16'))
    shutil.copy(finished / "runs/one/model/model.safetensors", weights)
    match(
        r"tensor `model/.*: .*, not .*; use the same model settings", finished(*predict).complaint
    )
    config.write_text(config.read_text()[:-20])
    match(r"config\.json: not valid JSON", finished(*predict).complaint)


def test_predictions_that_cannot_be_written(finished, match):
    before = finished.files()
    out = ("predict", "runs/one", "--data", "corpus", "--out")
    match(r"tiny\.npz/p\.csv: cannot be written: Not", finished(*out, "tiny.npz/p.csv").complaint)
    match(r"gone/p\.csv: cannot be written: No such", finished(*out, "gone/p.csv").complaint)
    full = finished(*out, "p.json", file_limit=1_000).complaint
    match(r"p\.json: cannot be written: File too large; make room", full)
    assert finished.files() == before
