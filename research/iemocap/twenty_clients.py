"""The table of the preset `iemocap-20`: algorithms on 20 unequal clients, with one split and one budget.

    python -m research.iemocap.twenty_clients [--runs runs/iemocap-20] [--jobs 2]

Each row is run at two learning rates; the better one on dev is the row. Finished runs are
kept, an interrupted one resumes. Writes docs/results/iemocap-20.csv and, as Markdown,
docs/results/iemocap-20-table.md.
"""

import argparse
import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

RATES = ("3e-4", "1e-3")
ROWS = {
    "centralised": ["algorithm.name=centralised"],
    "local": ["algorithm.name=local"],
    "FedAvg": ["algorithm.name=fedavg"],
    "FedProto": ["algorithm.name=fedproto"],
    "FedMPD prototypes": ["algorithm.name=fedmpd", "algorithm.exchange=prototypes"],
    "FedMPD weights": ["algorithm.name=fedmpd", "algorithm.exchange=weights"],
    "FedMPD both": ["algorithm.name=fedmpd", "algorithm.exchange=both"],
    "FedAvg, IID partition": ["algorithm.name=fedavg", "partition.name=iid"],
}
COLUMNS = {
    "evaluation": "evaluation",
    "test_weighted_f1": "weighted F1",
    "test_interval_low": "low",
    "test_interval_high": "high",
    "test_macro_f1": "macro F1",
    "personal_test_weighted_f1": "personal weighted F1",
    "prototype_test_weighted_f1": "nearest prototype",
    "client_sd": "client sd",
    "client_worst_tenth": "worst tenth",
    "stability_sd_last_5": "sd of last 5",
    "stability_largest_drop": "largest drop",
    "bytes_up": "MB up",
    "bytes_down": "MB down",
    "selected_round": "round",
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default="data/iemocap6")
    options.add_argument("--runs", type=Path, default=Path("runs/iemocap-20"))
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--out", type=Path, default=Path("docs/results"))
    chosen = options.parse_args()
    jobs = [(row, rate) for row in ROWS for rate in RATES]
    with ThreadPoolExecutor(chosen.jobs) as pool:
        summaries = dict(
            zip(jobs, pool.map(lambda job: run(*job, chosen.runs, chosen.data), jobs), strict=True)
        )
    best = []
    for row in ROWS:
        rate = max(RATES, key=lambda r: summaries[row, r]["dev_weighted_f1"])
        other = next(r for r in RATES if r != rate)
        best.append((row, rate, summaries[row, rate], summaries[row, other]))
    write(best, chosen.out)


def run(row: str, rate: str, folder: Path, data: str) -> dict[str, Any]:
    """One run in a process of its own; its summary."""
    out = folder / f"{row.replace(', ', '-').replace(' ', '-').lower()}-{rate}"
    settings = [*ROWS[row], f"training.learning_rate={rate}"]
    command = [sys.executable, "-m", "fedaffect.cli.main", "run", "iemocap-20", "--data", data]
    command += [part for s in settings for part in ("--set", s)]
    command += ["--out", str(out), "--resume", "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    summary: dict[str, Any] = json.loads(done.stdout)
    print(f"{row} at {rate}: {summary['test_weighted_f1']:.3f}", flush=True)
    return summary


def write(best: list[tuple[str, str, dict[str, Any], dict[str, Any]]], out: Path) -> None:
    """The table as Markdown and as CSV."""
    out.mkdir(parents=True, exist_ok=True)
    names = ["row", "learning rate", *COLUMNS.values(), "at the other rate"]
    table = [
        [
            row,
            rate,
            *(_cell(key, summary.get(key), summary["clients"]) for key in COLUMNS),
            _cell("f", other["test_weighted_f1"]),
        ]
        for row, rate, summary, other in best
    ]
    with (out / "iemocap-20.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([names, *table])
    lines = ["| " + " | ".join(line) + " |" for line in [names, ["---"] * len(names), *table]]
    (out / "iemocap-20-table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(key: str, value: Any, clients: int = 0) -> str:
    # One client that holds everything has no spread, and no classes of its own.
    if value is None or (clients == 1 and key.startswith(("personal", "client", "bytes"))):
        return "–"
    if key.startswith("bytes"):
        return f"{value / 1e6:.1f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
