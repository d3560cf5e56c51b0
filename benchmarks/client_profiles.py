"""What a client takes, by profile: `full`, `head`, `prototype`; and what one fused decision takes.

    python benchmarks/client_profiles.py [--data data/fer2013] [--run RUN] [--rounds 20] [--full-rounds N]

Each in a process of its own, on one thread, with nothing but its own share: a tenth of FER2013's training
faces, and half of that where the other half of them went into the backbone. RUN is a finished run of a face
model, trained on the `first` of `fedaffect data halve`; without it the backbone is as it was drawn, which
takes the same memory and time. Writes client-profiles.{md,json}.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import execute, options, publish

from fedaffect.corpus import store
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.subsets import halves, select_conversations
from fedaffect.experiment import Experiment
from fedaffect.learning import saved
from fedaffect.learning.torch.export import export
from fedaffect.learning.torch.trainer import ConversationTrainer

CHILD = Path(__file__).with_name("profiled_client.py")
CLIENTS = 10
MIB = 2**20
ABOUT = {
    "nothing": "the federation's code, no model",
    "torch": "`import torch`, and nothing else",
    "full": "`full`: trains the CNN with torch",
    "head": "`head`: a linear head in numpy on a frozen ONNX backbone",
    "prototype": "`prototype`: forward only, class means",
    "decision": "one fused decision after the other",
}
COLUMNS = ["client", "faces", "rounds", "peak MiB", "growth since round 1", "round 1: s (CPU s)"]
COLUMNS += ["later rounds: s (CPU s)", "KiB up a round"]


def main() -> None:
    parser = options(__doc__, repeats=1)
    parser.add_argument("--data", type=Path, default=Path("data/fer2013"))
    parser.add_argument("--run", type=Path, help="a finished run of a face model")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--full-rounds", type=int, help="of `full` alone, which takes its time")
    chosen = parser.parse_args()
    rounds = dict.fromkeys(ABOUT, chosen.rounds) | {"full": chosen.full_rounds or chosen.rounds}
    corpus = store.load(chosen.data)
    with tempfile.TemporaryDirectory() as folder:
        whole, half = Path(folder, "whole"), Path(folder, "half")
        share(corpus, CLIENTS, whole / "corpus")
        share(halves(corpus, seed=0)[1], CLIENTS, half / "corpus")
        backbone(corpus, chosen.run, half / "backbone.onnx")
        figures = {
            name: measure(name, whole if name == "full" else half, rounds[name]) for name in ABOUT
        }
    publish(
        chosen.out,
        "client-profiles",
        "What a client takes",
        about(figures, chosen.run),
        COLUMNS,
        [row(name, figures[name]) for name in ABOUT],
        figures,
    )


def share(corpus: ConversationCorpus, clients: int, out: Path) -> None:
    """Store every so manieth training face, as the corpus of one client."""
    out.parent.mkdir(exist_ok=True)
    store.save(select_conversations(corpus, corpus.conversations_in("train")[::clients]), out)


def backbone(corpus: ConversationCorpus, run: Path | None, out: Path) -> None:
    """Export the network of a run, or a fresh one."""
    with tempfile.TemporaryDirectory() as folder:
        model = run / "model" if run else Path(folder, "model")
        if run is None:
            few = select_conversations(corpus, corpus.conversations_in("train")[:2])
            experiment = Experiment.load("in-vehicle-faces")
            fresh = [("model", ConversationTrainer(few, experiment).get())]
            saved.save(model, experiment, few, fresh, "")
        export(model, out, "model")


def measure(profile: str, place: Path, rounds: int) -> dict[str, Any]:
    """The cost of a profile, measured in a process of its own."""
    command = [sys.executable, str(CHILD), profile, str(place), str(rounds)]
    found: dict[str, Any] = json.loads(execute(command, {"OMP_NUM_THREADS": "1"}).output)
    return found


def row(name: str, of: dict[str, Any]) -> list[str]:
    """A line of the table."""
    peak = f"{of['peak'] / MIB:.0f}"
    if "rounds" not in of:
        return [ABOUT[name], "", "", peak, "", "", "", ""]
    first, *later = of["rounds"]
    growth = of["rounds"][-1]["peak"] / first["peak"] - 1
    cells = [ABOUT[name], f"{of['items']:,}", f"{len(later) + 1}", peak, f"{growth:.1%}"]
    return [
        *cells,
        seconds([first]),
        seconds(later) if later else "",
        f"{first['bytes_up'] / 1024:.0f}",
    ]


def seconds(rounds: list[dict[str, float]]) -> str:
    """Medians, on the clock and of the processor."""
    wall, cpu = (statistics.median(r[clock] for r in rounds) for clock in ("wall", "cpu"))
    return f"{wall:.2f} ({cpu:.2f})"


def about(figures: dict[str, Any], run: Path | None) -> str:
    """What stands above the table."""
    wall, cpu = (figures["decision"]["ms"][clock] for clock in ("wall", "cpu"))
    parts = ", ".join(f"{name} {cpu[name]['p50']:.2f}" for name in ("face", "body", "fusion"))
    trained = f"that of {run.name}" if run else "as it was drawn, not trained: as large and as fast"
    return (
        "Rounds of two epochs in float32, one thread, each line a process of its own. What runs beside "
        "lengthens seconds on the clock; memory and seconds of the processor stay as they are. "
        "Linux counts pages by the batch: 0.1 % of growth, "
        f"either way, is none. The backbone is {trained}. One fused decision: p50 "
        f"{cpu['all']['p50']:.2f} ms, p99 {cpu['all']['p99']:.2f} ms of the processor (p50 of its parts: "
        f"{parts}); on the clock {wall['all']['p50']:.2f} and {wall['all']['p99']:.2f} ms."
    )


if __name__ == "__main__":
    main()
