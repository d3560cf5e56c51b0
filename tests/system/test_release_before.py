"""What 0.1 wrote is still read: its saved models, its run folders, its settings in files."""

import json

from fedaffect.federation.events import EventLog, read

OLD = {"conditions": {"corrupted_pictures": "spoilt_pictures"}, "algorithm": {"mu": "strength"}}


def as_in_0_1(experiment):
    """The experiment with the names that 0.1 had."""
    found = dict(experiment)
    for section, keys in OLD.items():
        found[section] = {keys.get(k, k): v for k, v in experiment[section].items()}
    return found


def aged(folder):
    """Rewrite a run's model, record and checkpoints as 0.1 would have left them."""
    config = folder / "model" / "config.json"
    table = json.loads(config.read_text())
    config.write_text(json.dumps(table | {"experiment": as_in_0_1(table["experiment"])}))
    events = list(read(folder / "events.jsonl"))
    (folder / "events.jsonl").unlink()
    log = EventLog(folder / "events.jsonl")
    for event in events:
        fields = {k: v for k, v in event.items() if k not in ("n", "time", "previous", "hash")}
        if "experiment" in fields:
            fields["experiment"] = as_in_0_1(fields["experiment"])
        log.append(**fields)
    log.close()
    for file in folder.rglob("run_state.json"):
        file.rename(file.with_name("standing.json"))


def test_a_run_of_0_1_predicts_shows_and_resumes(place):
    settings = ("--set", "algorithm.name=fedprox", "--set", "rounds.count=2")
    place.ok("run", "tiny.toml", *settings, "--out", "run")
    before = place.ok("predict", "run", "--data", "corpus")
    summary = json.loads((place / "run/summary.json").read_text())
    aged(place / "run")

    done = place("predict", "run", "--data", "corpus")
    assert (done.code, done.out, done.err) == (0, before, "")
    assert "fedprox" in place.ok("show", "run")
    (place / "run/summary.json").unlink()
    place.ok("run", "tiny.toml", *settings, "--out", "run", "--resume")
    again = json.loads((place / "run/summary.json").read_text())
    assert {**again, "timing": 0} == {**summary, "timing": 0}


def test_a_file_with_old_names_is_read_with_a_note(place):
    text = (place / "tiny.toml").read_text().replace('"fedavg"', '"fedprox"\nstrength = 0.5')
    (place / "old.toml").write_text(text)
    done = place("run", "old.toml", "--out", "run")
    assert done.code == 0
    assert "note: algorithm.strength is now called algorithm.mu; write that" in done.err
    assert "mu = 0.5" in (place / "run/experiment.toml").read_text()
