from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fedaffect.studies.compare.per_client import ByClient, by_client
from fedaffect.studies.compare.runs import ComparedRun, compared_runs

MakeRun = Callable[..., Path]
OWN = ("local", "personal")


def record(
    run: ComparedRun, scores: Sequence[float], seed: int = 0, never: Sequence[int] = ()
) -> None:
    """Put invented scores into what a run has recorded of its clients."""
    finish = run.histories[seed].finish
    assert finish is not None
    for index, (client, score) in enumerate(zip(finish["clients"], scores, strict=True)):
        client["personal_weighted_f1"] = score
        client["selected"] = int(index not in never)


def in_seeds(make_run: MakeRun, name: str, clients: Sequence[int]) -> Path:
    """A run over seeds, with so many clients in each."""
    seeds = [make_run(f"{name}/seed-{k}", seed=k, clients=n) for k, n in enumerate(clients)]
    return seeds[0].parent


def gained(make_run: MakeRun, *seeds: Sequence[float]) -> ByClient:
    """Clients that score 0.5 in the base and so much more in the run, a row a seed."""
    base, run = compared_runs(
        [in_seeds(make_run, name, [len(g) for g in seeds]) for name in ("base", "run")]
    )
    for seed, gains in enumerate(seeds):
        record(base, [0.5] * len(gains), seed)
        record(run, [0.5 + gain for gain in gains], seed)
    return by_client("personal", run, base)


def test_gains_by_hand(make_run: MakeRun) -> None:
    base, run = compared_runs([make_run("base"), make_run("run")])
    record(base, [0.5, 0.5, 0.5, 0.5])
    record(run, [0.6, 0.4, 0.5, 0.8])
    found = by_client("personal", run, base)
    (group,) = found.groups
    assert (found.run, found.base, found.unpaired, group.group) == ("run", "base", (), "all")
    assert (group.pairs, group.gained, group.lost) == (4, 2, 1)
    assert (group.mean, group.worst) == pytest.approx((0.075, -0.1))
    assert group.quartiles == pytest.approx((-0.025, 0.05, 0.15))
    volumes = [client["volume"] for client in base.history.start["clients"]]
    assert group.volume == pytest.approx(sum(volumes) / 4)
    assert group.low is None, "an interval over four clients would say too much"
    last = found.pairs[3]
    assert (last.seed, last.client, last.name, last.volume) == (0, 3, "client-03", volumes[3])
    assert (last.base, last.run) == (0.5, 0.8)


def test_who_is_never_selected_stands_apart(make_run: MakeRun) -> None:
    base, run = compared_runs([make_run("base"), make_run("run")])
    record(base, [0.5, 0.5, 0.5, 0.5], never=[0, 3])
    record(run, [0.5, 0.6, 0.2, 0.7], never=[0, 2])
    found = by_client("personal", run, base)
    assert [(group.group, round(group.mean, 9)) for group in found.groups[1:]] == [
        ("selected in both", 0.1),
        ("never selected in base", 0.2),
        ("never selected in run", -0.3),
        ("never selected in either", 0.0),
    ]


def test_kinds_of_clients_go_by_their_settings(make_run: MakeRun) -> None:
    """Clients 0, 2, … are of the first kind; here only the run has kinds."""
    kinds = 'clients.variants=[["model.width=8"], ["model.width=16", "model.heads=2"]]'
    base, run = compared_runs([make_run("base"), make_run("run", settings=(kinds,))])
    record(base, [0.5, 0.5, 0.5, 0.5])
    record(run, [0.6, 0.4, 0.8, 0.4])
    groups = {group.group: group for group in by_client("personal", run, base).groups}
    assert list(groups) == ["all", "width=8", "width=16, heads=2"]
    assert groups["width=8"].mean == pytest.approx(0.2)
    assert groups["width=16, heads=2"].lost == 2


def test_only_clients_with_the_same_data_are_paired(make_run: MakeRun) -> None:
    base, run = compared_runs(
        [in_seeds(make_run, "base", [4, 4, 4]), in_seeds(make_run, "run", [4, 5, 4])]
    )
    found = by_client("personal", run, base)
    assert found.unpaired == (1,)
    assert {pair.seed for pair in found.pairs} == {0, 2}


def test_another_corpus_is_another_task(make_run: MakeRun) -> None:
    base, run = compared_runs([make_run("base"), make_run("run")])
    run.history.start["corpus"]["sha256"] = "cd" * 32
    found = by_client("personal", run, base)
    assert (found.unpaired, found.pairs, found.groups) == ((0,), (), ())


def test_a_client_without_a_score_is_left_out(make_run: MakeRun) -> None:
    base, run = compared_runs([make_run("base", modes=OWN), make_run("run", modes=OWN)])
    assert [pair.client for pair in by_client("local", run, base).pairs] == [0, 2, 3]


def test_an_interval_is_over_clients_and_seeds(make_run: MakeRun) -> None:
    """All gain 0.2 in one seed and nothing in the other: each is drawn twice a quarter of the time."""
    (group,) = gained(make_run, [0.2] * 6, [0.0] * 6).groups
    assert (group.mean, group.low, group.high) == pytest.approx((0.1, 0.0, 0.2))
