"""The engine in this process: clients one after the other, by one learner whose weights are swapped."""

from collections.abc import Iterator, Sequence
from time import perf_counter

from fedaffect.federation.client.runtime import ClientRuntime, RefusedError, Request
from fedaffect.federation.engines.base import Reply
from fedaffect.federation.messages.update import Update


class LocalEngine:
    """An `Engine` over the clients of a `ClientRuntime`."""

    def __init__(self, side: ClientRuntime) -> None:
        self._side = side

    def exchange(self, stage: str, messages: Sequence[Request]) -> Iterator[Reply]:
        sizes: dict[int, int] = {}
        for message in messages:
            key = id(message.state)
            if key not in sizes:
                sizes[key] = Update(message.state).encoded_size
            begun = perf_counter()
            update, reason = None, ""
            try:
                update = self._side.work(message)
            except RefusedError as error:
                reason = str(error)
            yield Reply(
                client=message.client,
                update=update,
                reason=reason,
                bytes_down=sizes[key],
                bytes_up=update.encoded_size if update else 0,
                seconds=perf_counter() - begun,
            )

    def commit(self, keep: Sequence[int], round_number: int) -> None:
        self._side.memory.forget(list(keep), after=round_number)

    def rewind(self, round_number: int) -> None:
        self._side.memory.rewind(round_number)

    def close(self) -> None:
        pass
