"""A FedAvg round of 20 clients on IEMOCAP: seconds and memory by width, precision and workers.

    python benchmarks/federated_round.py [--data data/iemocap6] [--widths 128 256] [--repeats 3]

`fedaffect run iemocap-20 --set algorithm.name=fedavg` (three local epochs, batches of four conversations) at
two counts of rounds, all in turns; a round is the difference divided by the rounds between, so the CPU time
of worker processes is in it. Memory is the peak over all processes of one more run, watched: of pages that
processes share each counts its part. Writes federated-round.{md,json}.
"""

import sys
import tempfile
from dataclasses import asdict
from functools import partial
from itertools import product
from typing import Any

from measuring import Command, execute, interleaved, of_one, options, publish

PRECISIONS = ("float32", "auto")
WORKERS = (1, 2)
COLUMNS = ["width", "precision", "workers", "s a round", "CPU s a round", "peak PSS, GB"]
COLUMNS += ["float32 with 1 worker over it"]
Kind = tuple[int, str, int]


def main() -> None:
    parser = options(__doc__, repeats=3)
    parser.add_argument("--data", default="data/iemocap6")
    parser.add_argument("--widths", type=int, nargs="+", default=[128, 256, 1024])
    parser.add_argument("--rounds", type=int, nargs=2, default=[1, 3])
    chosen = parser.parse_args()
    figures = [
        figure
        for width in chosen.widths
        for figure in compare(width, chosen.data, chosen.rounds, chosen.repeats)
    ]
    publish(
        chosen.out,
        "federated-round",
        "A federated round",
        "iemocap-20 with FedAvg: 20 clients, three local epochs. One thread a process. "
        f"Medians of {chosen.repeats} interleaved runs of {chosen.rounds[0]} and {chosen.rounds[1]} rounds.",
        COLUMNS,
        [row(f) for f in figures],
        figures,
    )


def compare(width: int, data: str, rounds: list[int], repeats: int) -> list[dict[str, Any]]:
    """Figures of one width, for each precision and number of workers."""
    few, many = rounds
    kinds: list[Kind] = [(width, p, w) for p, w in product(PRECISIONS, WORKERS)]
    watched = {kind: run(kind, data, few, look=True) for kind in kinds}
    runs = {(kind, n): partial(run, kind, data, n) for kind in kinds for n in (few, many)}
    found = interleaved(runs, repeats, warm_up=0)  # the watched ones have warmed up
    seconds = {k: of_one(found[k, few], found[k, many], many - few) for k in kinds}
    reference = seconds[width, "float32", 1].wall
    return [
        {
            "width": width,
            "precision": kind[1],
            "workers": kind[2],
            **asdict(seconds[kind]),
            "peak": watched[kind].peak,
            "ratio": reference / seconds[kind].wall,
        }
        for kind in kinds
    ]


def run(kind: Kind, data: str, rounds: int, look: bool = False) -> Command:
    """One run in a process of its own, whose record is thrown away."""
    width, precision, workers = kind
    settings = [
        "algorithm.name=fedavg",
        f"model.width={width}",
        f"training.precision={precision}",
        f"engine.workers={workers}",
        f"rounds.count={rounds}",
        f"rounds.evaluate_every={rounds}",
    ]
    command = [sys.executable, "-m", "fedaffect.cli.main", "run", "iemocap-20", "--data", data]
    command += [part for setting in settings for part in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        return execute([*command, "--out", f"{folder}/run"], {"OMP_NUM_THREADS": "1"}, look)


def row(of: dict[str, Any]) -> list[str]:
    """A line of the table."""
    return [
        str(of["width"]),
        of["precision"],
        str(of["workers"]),
        f"{of['wall']:.3g}",
        f"{of['cpu']:.3g}",
        f"{of['peak'] / 1e9:.2f}",
        f"{of['ratio']:.2f}",
    ]


if __name__ == "__main__":
    main()
