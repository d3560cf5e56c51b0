"""The engine of one machine: this process, or `engine.workers` processes with the same bits."""

from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

from fedaffect.experiment import Section, validated
from fedaffect.federation.engines._workers import WorkerPool
from fedaffect.federation.engines.base import Workplace
from fedaffect.federation.messages.reply import RefusedError, Reply
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update


class LocalEngine:
    """An `Engine`: clients one after the other in this process, or several at once in worker processes."""

    class Settings(Section):
        """Nothing beside `engine.workers`."""

    def __init__(self, settings: Mapping[str, Any], workplace: Workplace) -> None:
        validated(self.Settings, settings, "engine local")
        self._memory = workplace.memory
        self._pool = WorkerPool(workplace) if workplace.workers > 1 else None
        self._work = workplace.make_work() if self._pool is None else None

    def exchange(self, stage: str, requests: Sequence[Request]) -> Iterator[Reply]:
        if self._pool is not None:
            yield from self._pool.exchange(requests)
            return
        sizes: dict[int, int] = {}
        for request in requests:
            key = id(request.state)
            if key not in sizes:
                sizes[key] = Update(request.state).encoded_size
            yield self._reply(request, sizes[key])

    def commit(self, keep: Sequence[int], round_number: int) -> None:
        self._memory.forget(list(keep), after=round_number)

    def rewind(self, round_number: int) -> None:
        self._memory.rewind(round_number)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()

    def _reply(self, request: Request, bytes_down: int) -> Reply:
        assert self._work is not None
        begun, update, reason = perf_counter(), None, ""
        try:
            update = self._work(request)
        except RefusedError as error:
            reason = str(error)
        return Reply(
            client=request.client,
            update=update,
            reason=reason,
            bytes_down=bytes_down,
            bytes_up=update.encoded_size if update else 0,
            seconds=perf_counter() - begun,
        )
