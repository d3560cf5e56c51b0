"""Unequal size and label skew at once: the product of `volume`'s probability and `dirichlet`'s."""

import numpy as np

from fedaffect.corpus.partition.base import ClientData, Scheme, assign_by_weight, class_proportions
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition


class VolumeAndLabels(Scheme):
    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        appetite = random.dirichlet(np.full(partition.clients, partition.alpha))
        pull = appetite[:, None] * class_proportions(corpus, partition, random)
        return assign_by_weight(corpus, pull, random)
