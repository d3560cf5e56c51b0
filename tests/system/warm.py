"""Runs `fedaffect` commands in forks of a process that has loaded torch, which saves seconds a command.

Each fork is a process of its own that calls the console script's `main()` and can be killed like any
other. Orders come in on standard input, one JSON object a line; each is answered by an exit code, or
by a signal's number with a minus. Run as `python warm.py`.
"""

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import safetensors.numpy
import torch

from fedaffect.cli.main import main
from fedaffect.federation.events import EventLog

LOADED = (
    "torch._dynamo",  # optimisers import it: half of the seconds
    "fedaffect.federation.simulation",
    "fedaffect.federation.algorithms.fedproto",
    "fedaffect.learning.torch.trainer",
    "fedaffect.models.sdt",
    "fedaffect.report.report",
)


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            carry_out(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def carry_out(order: dict[str, Any]) -> NoReturn:
    """Be the console script: its arguments, folder, streams, exit code."""
    code = 1
    try:
        os.chdir(order["cwd"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, path in ((1, order["out"]), (2, order["err"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.argv = ["fedaffect", *order["arguments"]]
        if order["file_limit"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_limit"], resource.RLIM_INFINITY))
        if order["dies_at"]:
            DEATHS[order["dies_at"][0]](*order["dies_at"][1:])
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_call(count: int, function: Callable[..., Any], before: Callable[..., None]) -> Any:
    """`function`, but its call number `count` does `before` and dies."""
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            before(*arguments, **named)
            die()
        return function(*arguments, **named)

    return counted


def dies_at_step(count: int) -> None:
    """Inside a client's training, before an optimiser's step."""
    torch.optim.Adam.step = at_call(count, torch.optim.Adam.step, lambda *_: None)  # type: ignore[method-assign]


def dies_at_flush(count: int) -> None:
    """Inside a checkpoint's write: its files are there, their rename is to come."""
    os.fsync = at_call(count, os.fsync, lambda *_: None)


def dies_at_tensor_file(count: int) -> None:
    """Half-way through a file of tensors: a client's memory, a checkpoint's state, the model."""

    def half(tensors: Any, path: Path) -> None:
        whole = safetensors.numpy.save(tensors)
        path.write_bytes(whole[: len(whole) // 2])

    save = safetensors.numpy.save_file
    safetensors.numpy.save_file = at_call(count, save, half)


def dies_at_event(kind: str, count: int) -> None:
    """As soon as the record holds so many events of a kind."""
    append = EventLog.append
    seen = 0

    def counted(log: EventLog, event: str, **fields: Any) -> Any:
        nonlocal seen
        written = append(log, event, **fields)
        seen += event == kind
        if seen == count:
            die()
        return written

    EventLog.append = counted  # type: ignore[method-assign]


DEATHS = {
    "step": dies_at_step,
    "flush": dies_at_flush,
    "tensor file": dies_at_tensor_file,
    "event": dies_at_event,
}

if __name__ == "__main__":
    for module in LOADED:
        import_module(module)
    serve()
