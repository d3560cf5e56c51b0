"""Several runs at once, each in a process of its own, their events forwarded to one listener."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from threading import Thread
from typing import Any

from fedaffect.errors import UserError, refused
from fedaffect.experiment import Experiment
from fedaffect.federation.events import Event
from fedaffect.record.files import SUMMARY
from fedaffect.record.summary import read_summary
from fedaffect.runs.execute import execute

WAIT_SECONDS = 0.2
FOUND = "found"
"""The one event of a job that had finished before."""
_FAILED = "failed"
Listen = Callable[[int, Event], None]
Failed = Callable[[int, UserError], None]


@dataclass(frozen=True)
class Job:
    """One run to be done: its experiment, its folder, and the command that repeats it.

    Attributes:
        slim: once it has finished, nothing is kept that only going on with it would read.
    """

    experiment: Experiment
    folder: Path
    command: str
    title: str
    slim: bool = False


def _stop(position: int, error: UserError) -> None:
    try:
        raise error
    finally:
        del error  # or its traceback, this frame and the queue would hold each other until the end


def execute_all(
    jobs: Sequence[Job],
    workers: int,
    listener: Listen,
    resume: bool = False,
    failed: Failed = _stop,
) -> list[dict[str, Any]]:
    """Execute jobs, at most `workers` at a time; bits do not depend on how many.

    Args:
        listener: called in this process with a job's position and each event of its run.
        failed: called with a job's position and why it could not be done; where it returns, the other jobs
            go on.

    Returns:
        the summaries of the jobs that have been done, in their order.

    Raises:
        UserError: whatever `failed` raises, if nothing else the first one of any job; what other jobs had
            done is kept.
    """
    if workers == 1 or len(jobs) == 1:
        for position, job in enumerate(jobs):
            error = _attempt(job, _Forwarder(position, listener), resume)
            if error is not None:
                failed(position, error)
    else:
        _in_processes(jobs, workers, listener, resume, failed)
    return [read_summary(job.folder) for job in jobs if (job.folder / SUMMARY).exists()]


def _attempt(job: Job, forward: "_Forwarder", resume: bool) -> UserError | None:
    """Execute one job; what the user can mend, where it cannot be done."""
    before = (job.folder / SUMMARY).exists()
    try:
        execute(job.experiment, job.folder, job.command, [forward], resume)
    except UserError as error:
        return error
    except BrokenPipeError:  # whoever listened has gone
        raise
    except OSError as error:
        return refused(error)
    if before:
        forward({"kind": FOUND})
    if job.slim:
        from fedaffect.federation.simulation import forget_progress

        forget_progress(job.folder)
    return None


def _in_processes(
    jobs: Sequence[Job], workers: int, listener: Listen, resume: bool, failed: Failed
) -> None:
    context = multiprocessing.get_context("spawn")
    news: Any = context.Queue()
    waiting, running = list(enumerate(jobs)), dict[Any, int]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                position, job = waiting.pop(0)
                arguments = (position, job, resume, news)
                process = context.Process(target=_work, name=str(job.folder), args=arguments)
                process.start()
                running[process] = position
            _pass_on(news, listener, failed)
            for process in [p for p in running if not p.is_alive()]:
                position = running.pop(process)
                if process.exitcode:
                    _pass_on(news, listener, failed)
                    failed(position, _ended(process.name, process.exitcode))
    finally:
        for process in running:
            process.terminate()  # a run may be killed at any moment, and resumed
            process.join()
    _pass_on(news, listener, failed)


def _ended(folder: str, code: int) -> UserError:
    """A signal comes from outside (mostly for want of memory).

    Raises:
        RuntimeError: anything else is a fault of ours.
    """
    if code < 0:
        return UserError(
            f"{folder}: its process was ended by signal {-code}; go on with --resume, "
            "and with fewer --jobs where memory was short"
        )
    raise RuntimeError(f"{folder}: its process ended with code {code}")


def _work(position: int, job: Job, resume: bool, news: Any) -> None:
    # Ctrl-C is the parent's to handle: it ends its children. Where it was killed, they end too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    forward = _Forwarder(position, lambda at, event: news.put((at, event)))
    error = _attempt(job, forward, resume)
    if error is not None:
        news.put((position, {"kind": _FAILED, "reason": str(error)}))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _pass_on(news: Any, listener: Listen, failed: Failed) -> None:
    """Pass on the events that have come in; wait a little for the first, not for more."""
    try:
        position, event = news.get(timeout=WAIT_SECONDS)
        while True:
            if event["kind"] == _FAILED:
                failed(position, UserError(event["reason"]))
            else:
                listener(position, event)
            position, event = news.get_nowait()
    except Empty:
        return


@dataclass(frozen=True)
class _Forwarder:
    position: int
    listener: Listen

    def __call__(self, event: Event) -> None:
        self.listener(self.position, event)
