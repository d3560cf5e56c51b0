"""Client work in worker processes: the same bits as one process, sooner.

Each worker makes the clients' work for itself and computes on one thread. Clients with the most to learn go
first, so that no worker is left alone at the end; replies are handed on in the order of the requests, so that
sums do not depend on who finished first. What goes through the pipes is what would go over a network: encoded
updates and JSON.
"""

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from time import perf_counter
from typing import Any, NamedTuple, cast

from fedaffect.errors import UserError
from fedaffect.federation.engines.base import Workplace
from fedaffect.federation.messages.reply import RefusedError, Reply
from fedaffect.federation.messages.request import Request, Work
from fedaffect.federation.messages.update import Update

WINDOW = 8
"""How many requests a worker may be ahead of the oldest reply: this bounds the replies kept waiting."""
WAITING_BYTES = 2**28
"""Where replies are large the window is narrower: about so many bytes a worker may wait."""


class _Worker(NamedTuple):
    process: Any
    pipe: Connection


class WorkerPool:
    """`workers` processes, started with the first exchange."""

    def __init__(self, workplace: Workplace) -> None:
        self._make, self._volumes = workplace.make_work, workplace.volumes
        self._size = workplace.workers
        self._workers: list[_Worker] = []

    def exchange(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """As `Engine.exchange`.

        Raises:
            UserError: a worker ended, or could not make the clients' work.
        """
        if not self._workers:
            self._workers = [self._start() for _ in range(self._size)]
        states = {id(m.state): m.state for m in requests}
        encoded = {key: Update(state).encode() for key, state in states.items()}
        sent_to: dict[Connection, int] = {}
        idle = [worker.pipe for worker in self._workers]
        busy: dict[Connection, int] = {}
        window = self._size * _window(max(map(len, encoded.values()), default=0))
        waiting, done, handed_on = set(range(len(requests))), dict[int, Reply](), 0
        try:
            while handed_on < len(requests):
                ahead = waiting & set(range(handed_on, handed_on + window))
                for position in self._largest(requests, ahead)[: len(idle)]:
                    waiting.remove(position)
                    pipe, request = idle.pop(), requests[position]
                    key = id(request.state)
                    fresh = sent_to.get(pipe) != key
                    sent_to[pipe] = key
                    _order(pipe, request, encoded[key] if fresh else None)
                    busy[pipe] = position
                for ready in wait(list(busy)):
                    pipe = cast(Connection, ready)
                    position = busy[pipe]
                    key = id(requests[position].state)
                    done[position] = _receive(pipe, requests[position], len(encoded[key]))
                    del busy[pipe]
                    idle.append(pipe)
                while handed_on in done:
                    yield done.pop(handed_on)
                    handed_on += 1
        except (EOFError, OSError) as error:
            self.close()
            raise UserError(
                "a worker process ended unexpectedly (out of memory?); go on with --resume, "
                f"perhaps with fewer engine.workers ({type(error).__name__})"
            ) from None
        finally:
            if busy:  # the caller stopped: the replies under way are no longer wanted
                self.close()

    def close(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
            worker.process.join()
        self._workers = []

    def _largest(self, requests: Sequence[Request], positions: set[int]) -> list[int]:
        """Positions in the order in which to begin: those with the most to learn from first."""
        return sorted(positions, key=lambda p: (-self._volumes[requests[p].client], p))

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self._make, theirs), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _window(size: int) -> int:
    """How many requests a worker may be ahead, with replies of about `size` bytes."""
    return max(1, min(WINDOW, WAITING_BYTES // max(size, 1)))


def _order(pipe: Connection, request: Request, state: bytes | None) -> None:
    head = {
        "stage": request.stage,
        "client": request.client,
        "round": request.round,
        "split": request.split,
        "fresh": state is not None,
    }
    pipe.send_bytes(json.dumps(head).encode())
    if state is not None:
        pipe.send_bytes(state)


def _receive(pipe: Connection, request: Request, bytes_down: int) -> Reply:
    head = json.loads(pipe.recv_bytes())
    if head["failed"]:
        raise UserError(head["failed"])
    payload = pipe.recv_bytes() if head["answered"] else b""
    return Reply(
        client=request.client,
        update=Update.decode(payload) if head["answered"] else None,
        reason=head["reason"],
        bytes_down=bytes_down,
        bytes_up=len(payload),
        seconds=head["seconds"],
    )


def _serve(make: Callable[[], Work], pipe: Connection) -> None:
    """A worker's life: orders in, replies out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle: it ends its workers
    work, state, failed = None, {}, ""
    try:
        work = make()
    except UserError as error:
        failed = str(error)
    while True:
        try:
            head = json.loads(pipe.recv_bytes())
            if head.pop("fresh"):
                state = Update.decode(pipe.recv_bytes()).tensors
        except EOFError:
            return
        begun = perf_counter()
        payload, reason = b"", ""
        try:
            if work is not None:
                payload = work(Request(state=state, **head)).encode()
        except RefusedError as error:
            reason = str(error)
        except UserError as error:
            failed = str(error)
        answer = {
            "answered": bool(payload),
            "reason": reason,
            "failed": failed,
            "seconds": perf_counter() - begun,
        }
        pipe.send_bytes(json.dumps(answer).encode())
        if payload:
            pipe.send_bytes(payload)
