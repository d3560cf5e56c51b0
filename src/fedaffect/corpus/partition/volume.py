"""Clients of unequal size: a conversation goes to client i with probability p_i, p ~ Dirichlet(alpha)."""

import numpy as np

from fedaffect.corpus.partition.base import ClientData, Scheme, assign_by_weight
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition


class Volume(Scheme):
    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        appetite = random.dirichlet(np.full(partition.clients, partition.alpha))
        pull = np.repeat(appetite[:, None], len(corpus.classes), axis=1)
        return assign_by_weight(corpus, pull, random)
