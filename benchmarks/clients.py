"""What a round costs as the clients grow in number: time a client, memory of all processes.

    python benchmarks/clients.py [--cases fedavg-10 fedavg-10000]

Corpora of one small conversation a client (6 to 10 utterances, three modalities of 8 numbers; 40 more
conversations each for dev and test) are written to a temporary folder, and `fedaffect run` learns from them.
Time is that of the median round, of those between the first (which warms up) and the last (which evaluates).
Writes docs/results/clients.{md,json}.
"""

import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import measuring
import numpy as np

from fedaffect.corpus import store
from fedaffect.corpus.schema import ConversationCorpus, Provenance
from fedaffect.federation import events

EXPERIMENT = Path(__file__).with_suffix(".toml")
HELD_OUT = 40


@dataclass(frozen=True)
class Case:
    """A run to be measured; memory is compared with `reference`'s."""

    clients: int
    rounds: int
    reference: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What it took. Sizes are bytes."""

    clients: int
    seconds_a_round: float
    seconds_a_client: float
    seconds_beside_rounds: float
    cpu_seconds: float
    peak: int
    relative: float
    memory: int
    events: int
    report: int


FEDMPD = ("algorithm.name=fedmpd", "algorithm.exchange=prototypes")
TWO = ("engine.workers=2",)
CASES = {
    "fedavg-10": Case(10, 30, "fedavg-100"),
    "fedavg-100": Case(100, 10, "fedavg-100"),
    "fedavg-1000": Case(1_000, 4, "fedavg-100"),
    "fedavg-10000": Case(10_000, 3, "fedavg-100"),
    "fedavg-100-workers-2": Case(100, 10, "fedavg-100-workers-2", TWO),
    "fedavg-10000-workers-2": Case(10_000, 3, "fedavg-100-workers-2", TWO),
    "fedmpd-100": Case(100, 10, "fedmpd-100", FEDMPD),
    "fedmpd-1000": Case(1_000, 4, "fedmpd-100", FEDMPD),
}


def main() -> None:
    options = measuring.options(__doc__ or "", repeats=1)
    options.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    chosen = options.parse_args()
    found: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory() as place:
        for name in chosen.cases:
            found[name] = measured(name, Path(place))
            print(name, found[name], flush=True)
    for name, cost in found.items():
        peak = found.get(CASES[name].reference, cost).peak
        found[name] = replace(cost, relative=cost.peak / peak)
    publish(found, chosen.out)


def measured(name: str, place: Path) -> Cost:
    case, data, folder = CASES[name], place / f"data-{CASES[name].clients}", place / name
    if not data.exists():
        store.save(corpus_of(case.clients), data)
    settings = (
        f"partition.clients={case.clients}",
        f"rounds.count={case.rounds}",
        f"rounds.evaluate_every={case.rounds}",
        *case.settings,
    )
    pairs = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "fedaffect", "run", str(EXPERIMENT), *pairs]
    took = measuring.execute([*command, "--data", str(data), "--out", str(folder)], look=True)
    rounds = [
        e["seconds"] for e in events.read(folder / events.EVENTS) if e["kind"] == "round_finished"
    ]
    middle = statistics.median(rounds[1:-1])
    return Cost(
        clients=case.clients,
        seconds_a_round=middle,
        seconds_a_client=middle / case.clients,
        seconds_beside_rounds=took.wall - sum(rounds),
        cpu_seconds=took.cpu,
        peak=took.peak,
        relative=1.0,
        memory=sum(f.stat().st_size for f in (folder / "memory").rglob("*.safetensors")),
        events=(folder / events.EVENTS).stat().st_size,
        report=(folder / "report.html").stat().st_size,
    )


def corpus_of(clients: int) -> ConversationCorpus:
    """One training conversation a client; every person speaks in one."""
    random = np.random.default_rng(0)
    number = clients + 2 * HELD_OUT
    lengths = random.integers(6, 11, number)
    conversation = np.repeat(np.arange(number), lengths)
    label = random.integers(0, 4, len(conversation))
    turn = np.concatenate([np.arange(n) for n in lengths])
    features = {}
    for modality in ("audio", "text", "video"):
        centre = random.normal(size=(4, 8))
        noisy = centre[label] + random.normal(size=(len(label), 8))
        features[modality] = noisy.astype(np.float32)
    return ConversationCorpus(
        name=f"{clients}-conversations",
        classes=("angry", "happy", "neutral", "sad"),
        features=features,
        present={m: np.ones(len(label), bool) for m in features},
        label=label,
        person=2 * conversation + turn % 2,
        persons=tuple(f"person-{i}" for i in range(2 * number)),
        split=np.repeat([0, 1, 2], [clients, HELD_OUT, HELD_OUT])[conversation],
        provenance=Provenance("benchmarks/clients.py", "0" * 64, "benchmark", synthetic=True),
        conversation=conversation,
        conversations=tuple(f"conversation-{i}" for i in range(number)),
        turn=turn,
        role=turn % 2,
    )


def publish(found: dict[str, Cost], out: Path) -> None:
    measuring.publish(
        out,
        "clients",
        "The cost of many clients",
        f"FedAvg's clients keep nothing, FedMPD's their model. {HELD_OUT} conversations each for dev and "
        "test; evaluated at the end. Memory: proportional set sizes of all processes, at their peak.",
        (
            "case",
            "s a round",
            "ms a client",
            "s beside rounds",
            "peak MB",
            "of 100 clients'",
            "kept by clients, MB",
            "events, MB",
            "report, kB",
        ),
        [
            (
                name,
                f"{c.seconds_a_round:.2f}",
                f"{1e3 * c.seconds_a_client:.1f}",
                f"{c.seconds_beside_rounds:.1f}",
                f"{c.peak / 1e6:.0f}",
                f"{c.relative:.2f}",
                f"{c.memory / 1e6:.1f}",
                f"{c.events / 1e6:.1f}",
                f"{c.report / 1e3:.0f}",
            )
            for name, c in found.items()
        ],
        {name: asdict(c) for name, c in found.items()},
    )


if __name__ == "__main__":
    main()
