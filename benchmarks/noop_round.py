"""What a round costs in which nothing is learnt: ours, through `fedaffect run`, against Flower's simulator.

    python benchmarks/noop_round.py --flower-python /tmp/flower-venv/bin/python [--repeats 5]

20 clients send back the 100,000 float32 parameters that they received; FedAvg. Each side runs at two
counts of rounds, all in turns; the difference of the medians divided by the rounds between is what a round
costs with all that lies around it (events, checkpoints, summary, report). The median of the rounds as each
side itself timed them stands beside it; of Flower's two the ratio takes the lower. Writes
noop-round.{md,json}.

    python -m venv /tmp/flower-venv && /tmp/flower-venv/bin/pip install 'flwr[simulation]==1.41.*'
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from measuring import Command, execute, interleaved, of_one, options, publish
from noop import SIZE, TENSORS

HERE = Path(__file__).parent
CLIENTS, ACTORS = 20, 2
PATHS = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(PATHS)}
QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
Timed = tuple[Command, list[float]]
"""A command, and the seconds of its rounds as it timed them (none where it did not)."""


def main() -> None:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--rounds", type=int, nargs=2, default=[100, 1100], help="ours")
    parser.add_argument("--flower-rounds", type=int, nargs=2, default=[10, 50])
    parser.add_argument("--flower-python", default=sys.executable)
    chosen = parser.parse_args()
    sides: dict[str, tuple[list[int], Callable[[int], Timed]]] = {
        "recording off": (chosen.rounds, lambda n: ours(n, "ends", checkpoint_every=n)),
        "recording on": (chosen.rounds, lambda n: ours(n, "clients", checkpoint_every=10)),
    }
    absent = missing(chosen.flower_python)
    if not absent:
        sides["flower"] = (chosen.flower_rounds, lambda n: flower(chosen.flower_python, n))
    figures = compare(sides, chosen.repeats)
    other = f"Flower was not measured: {absent}" if absent else versions(chosen.flower_python)
    about = (
        f"{CLIENTS} clients, {TENSORS} tensors of {SIZE:,} float32, FedAvg; one process. {other}. "
        f"Medians of {chosen.repeats} interleaved runs."
    )
    publish(
        chosen.out,
        "noop-round",
        "A round in which nothing is learnt",
        about,
        [
            "",
            "ms a round, all included",
            "CPU ms",
            "ms a round by its own clock",
            "Flower's over it",
            "rounds",
        ],
        [row(name, figures) for name in figures],
        figures,
    )


def compare(
    sides: Mapping[str, tuple[Sequence[int], Callable[[int], Timed]]], repeats: int
) -> dict[str, dict[str, Any]]:
    """Milliseconds a round of each side, both ways, and how much longer Flower's is."""
    runs = {
        (name, count): partial(run, count)
        for name, (counts, run) in sides.items()
        for count in counts
    }
    found = interleaved(runs, repeats, warm_up=0)
    figures: dict[str, dict[str, Any]] = {}
    for name, (counts, _) in sides.items():
        few, many = ([command for command, _ in found[name, count]] for count in counts)
        own = [second for _, seconds in found[name, counts[1]] for second in seconds]
        one = of_one(few, many, counts[1] - counts[0])
        figures[name] = {
            "rounds": list(counts),
            "wall": [[command.wall for command in commands] for commands in (few, many)],
            "ms": 1000 * one.wall,
            "ms_cpu": 1000 * one.cpu,
            "ms_own": 1000 * statistics.median(own) if own else None,
        }
    if "flower" in figures:
        flowers = min(figures["flower"]["ms"], figures["flower"]["ms_own"])
        for of in figures.values():
            of["flower_over_it"] = flowers / of["ms"]
    return figures


def ours(rounds: int, record: str, checkpoint_every: int) -> Timed:
    """`fedaffect run` of `noop.toml`, and what its events say of each round."""
    with tempfile.TemporaryDirectory() as folder:
        settings = [
            f"rounds.count={rounds}",
            f"rounds.evaluate_every={rounds}",
            f"rounds.record={record}",
            f"rounds.checkpoint_every={checkpoint_every}",
        ]
        command = [sys.executable, "-m", "fedaffect.cli.main", "run", str(HERE / "noop.toml")]
        command += [part for setting in settings for part in ("--set", setting)]
        done = execute([*command, "--out", f"{folder}/run"], ONE_THREAD)
        lines = Path(folder, "run", "events.jsonl").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    # The last one evaluates.
    return done, [e["seconds"] for e in events if e["kind"] == "round_finished"][:-1]


def flower(python: str, rounds: int) -> Timed:
    """`flower_rounds.py`; its first round starts the actors and is not counted."""
    arguments = {"rounds": rounds, "clients": CLIENTS, "actors": ACTORS}
    arguments |= {"tensors": TENSORS, "size": SIZE}
    command = [python, str(HERE / "flower_rounds.py")]
    command += [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as home:
        done = execute(command, {**QUIET, "FLWR_HOME": home, "OMP_NUM_THREADS": "1"})
    return done, json.loads(done.output.splitlines()[-1])[1:]


def missing(python: str) -> str:
    """Why Flower cannot be measured with this interpreter; empty where it can."""
    try:
        code = subprocess.run([python, "-c", "import flwr.simulation, ray"], capture_output=True)
    except OSError as error:
        return f"{python}: {error.strerror}"
    return "" if code.returncode == 0 else f"{python} has no flwr[simulation]"


def versions(python: str) -> str:
    """What stands on the other side."""
    ask = "from importlib.metadata import version as v; print(v('flwr'), v('ray'))"
    flwr, ray = subprocess.run(
        [python, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.split()
    return f"Against Flower {flwr} with Ray {ray} and {ACTORS} actors"


def row(name: str, figures: Mapping[str, dict[str, Any]]) -> list[str]:
    """A line of the table."""
    of = figures[name]
    own, over = of["ms_own"], of.get("flower_over_it")
    return [
        "Flower's simulator" if name == "flower" else f"fedaffect, {name}",
        f"{of['ms']:.2f}",
        "–"
        if name == "flower"
        else f"{of['ms_cpu']:.2f}",  # Ray's processes are not ours to wait for
        f"{own:.2f}" if own else "–",
        f"{over:.0f}" if over else "–",
        "{} and {}".format(*of["rounds"]),
    ]


if __name__ == "__main__":
    main()
