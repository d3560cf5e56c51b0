"""How benchmarks measure and report: runs that take turns, peak memory, figures beside their command."""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from fedaffect.runs.machine import processor

LOOK_EVERY = 0.1
T = TypeVar("T")


@dataclass(frozen=True)
class Seconds:
    """How long something took: on the clock, and of the processor."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Command(Seconds):
    """What a command took, with all the processes below it that it waited for.

    Attributes:
        peak: bytes, the largest sum of proportional set sizes seen; 0 where nobody looked.
        output: its standard output.
    """

    peak: int
    output: str


def options(description: str, repeats: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    return parser


def interleaved(
    runs: Mapping[str, Callable[[], T]], repeats: int, warm_up: int = 1
) -> dict[str, list[T]]:
    """What runs return, by name. They take turns, so that whatever else goes on meets all alike."""
    found: dict[str, list[T]] = {name: [] for name in runs}
    for turn in range(warm_up + repeats):
        for name, run in runs.items():
            result = run()
            if turn >= warm_up:
                found[name].append(result)
    return found


def clocked(run: Callable[[], object]) -> Callable[[], Seconds]:
    """The same run, returning what it took of this process."""

    def measured() -> Seconds:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        return Seconds(time.perf_counter() - wall, time.process_time() - cpu)

    return measured


def median(times: Sequence[Seconds]) -> Seconds:
    """The medians of both clocks, each for itself."""
    return Seconds(
        statistics.median(t.wall for t in times), statistics.median(t.cpu for t in times)
    )


def of_one(few: Sequence[Seconds], many: Sequence[Seconds], more: int) -> Seconds:
    """What one round takes of runs with few rounds and runs with `more` more, all else being equal."""
    short, long = median(few), median(many)
    return Seconds((long.wall - short.wall) / more, (long.cpu - short.cpu) / more)


def execute(
    command: Sequence[str], environment: Mapping[str, str] | None = None, look: bool = False
) -> Command:
    """Run a command to its end.

    Args:
        environment: variables beside those of this process.
        look: watch the memory of its whole process tree; that costs it some milliseconds a second.

    Raises:
        RuntimeError: it failed; with the end of what it wrote.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun, peak = time.perf_counter(), 0
        variables = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, env=variables, stdout=out, stderr=err)
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG if look else 0)
            if ended:
                break
            peak = max(peak, sum(_pss(pid) for pid in _tree(process.pid)))
            time.sleep(LOOK_EVERY)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        if process.returncode:
            output = err.read()[-3000:]
            raise RuntimeError(f"{shlex.join(command)}: exit code {process.returncode}\n{output}")
        return Command(wall, usage.ru_utime + usage.ru_stime, peak, out.read())


def publish(
    out: Path,
    name: str,
    title: str,
    about: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: Any,
) -> None:
    """Write `NAME.json` (machine, command, all figures) and `NAME.md` (the table), and print the latter."""
    command = shlex.join(["python", *sys.argv])
    here = machine()
    out.mkdir(parents=True, exist_ok=True)
    record = {"command": command, "machine": here, "figures": figures}
    (out / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    on = f"{here['processor']}, {here['cores']} cores, torch {here['torch']}."
    table = ["| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows)]
    text = "\n".join([f"# {title}", "", f"    {command}", "", f"{on} {about}", "", *table, ""])
    (out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text, flush=True)


def machine() -> dict[str, Any]:
    """What the figures depend on beside the code."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("fedaffect", "torch", "numpy")},
    }


def _tree(root: int) -> list[int]:
    """A process and all below it."""
    found, children = [root], dict[int, list[int]]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    for pid in found:
        found += children.get(pid, [])
    return found


def _pss(pid: int) -> int:
    """Bytes of a process, what it shares counted in parts; 0 once it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(x.split()[1]) * 1024 for x in text.splitlines() if x.startswith("Pss:")), 0)
