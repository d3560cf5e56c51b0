"""All clients of one process: a request in, the client's half of its stage, a checked update out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.federation.algorithms.base import Algorithm
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.client.site import ClientVariant, Site
from fedaffect.federation.client.stages import evaluate, fit, statistics
from fedaffect.federation.messages.declarations import Spec, ensure_declared
from fedaffect.federation.messages.reply import RefusedError
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update
from fedaffect.schema import ClientData, Tensors


class StageHalf(Protocol):
    """What a module of `client.stages` offers."""

    def work(self, site: Site, request: Request) -> tuple[Update, Tensors]:
        """What the client sends, and what it remembers.

        Raises:
            RefusedError: it sends nothing, and why.
        """

    def declared(self, site: Site, request: Request) -> Mapping[str, Spec]:
        """All that it may send."""


STAGES: Mapping[str, StageHalf] = {"statistics": statistics, "fit": fit, "evaluate": evaluate}


class ClientRuntime:
    """The clients of one process: their data, their memories, and a learner for each variant of them."""

    def __init__(
        self,
        algorithm: Algorithm,
        variants: Sequence[ClientVariant],
        corpus: ConversationCorpus,
        client_data: Sequence[ClientData],
        memory: MemoryStore,
    ) -> None:
        """`variants`: client i is of variant i modulo their number."""
        self._algorithm = algorithm
        self._variants = variants
        self._contexts = [variant.context for variant in variants]  # in the round at work
        self._corpus = corpus
        self._client_data = client_data
        self._declared = algorithm.declared_updates(variants[0].context)  # before the run
        self.memory = memory

    def work(self, request: Request) -> Update:
        """Do a stage's client half.

        Raises:
            RefusedError: the client diverged, or its update is not what was declared.
        """
        half = STAGES.get(request.stage)
        if half is None:
            raise RefusedError(f"no stage `{request.stage}`")
        site = self._site(request)
        update, kept = half.work(site, request)
        ensure_declared(update, half.declared(site, request))
        self.memory.write(request.client, request.round, kept)
        return update

    def _site(self, request: Request) -> Site:
        number = request.client % len(self._variants)
        if self._contexts[number].round != request.round:
            context = self._variants[number].context
            self._contexts[number] = replace(context, round=request.round)
        return Site(
            algorithm=self._algorithm,
            variant=self._variants[number],
            context=self._contexts[number],
            corpus=self._corpus,
            data=self._client_data[request.client],
            memory=self.memory,
            declared=self._declared,
        )
