"""One client during one request: all that its half of a stage reads and writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Algorithm, Context
from fedaffect.federation.client.memory import MemoryStore
from fedaffect.federation.messages.declarations import Spec
from fedaffect.learning.learner import Learner
from fedaffect.schema import ClientData, Integers


class ClientVariant(NamedTuple):
    """What clients of one kind compute with; all of them in one process share the learner."""

    context: Context
    learner: Learner


@dataclass(frozen=True)
class Site:
    """One client.

    Attributes:
        corpus: that of all clients; one reads only its own rows, and the dev and test parts.
        context: in the round at work; `variant.context` is that of before round 1.
        declared: what its updates may hold when it fits.
    """

    algorithm: Algorithm
    variant: ClientVariant
    context: Context
    corpus: ConversationCorpus
    data: ClientData
    memory: MemoryStore
    declared: Mapping[str, Spec]

    @property
    def experiment(self) -> Experiment:
        return self.variant.context.experiment

    @property
    def learner(self) -> Learner:
        return self.variant.learner

    @cached_property
    def view(self) -> ConversationCorpus:
        """The corpus as this client has it."""
        return self.data.view(self.corpus)

    @property
    def label_counts(self) -> Integers:
        """int64 [classes]: what the client takes its supervised utterances for."""
        labels = self.view.label[self.data.supervised]
        return np.bincount(labels, minlength=len(self.view.classes))
