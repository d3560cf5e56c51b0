"""A random set of classes a client (Wang et al. 2026 §4.1), by masking labels.

Conversations are dealt out as in `iid`. A client keeps k_i ~ Uniform{2..C} of the classes that occur in them
(all, if fewer occur); utterances of other classes stay as context. Every class is then held by at least two
clients, where two have utterances of it.
"""

import numpy as np

from fedaffect.corpus.partition import labels_per_client
from fedaffect.corpus.partition.base import ClientData, Scheme
from fedaffect.corpus.partition.iid import IID
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition


class RandomClasses(Scheme):
    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        dealt = IID({}).share_out(corpus, partition, random)
        occurs = labels_per_client(corpus, dealt) > 0
        sizes = random.integers(2, max(3, len(corpus.classes) + 1), size=len(dealt))
        kept = np.zeros_like(occurs)
        for client, size in enumerate(sizes):
            mine = np.flatnonzero(occurs[client])
            kept[client, random.choice(mine, size=min(size, len(mine)), replace=False)] = True
        for label in range(len(corpus.classes)):
            could = np.flatnonzero(occurs[:, label] & ~kept[:, label])
            missing = max(2 - int(kept[:, label].sum()), 0)
            kept[random.permutation(could)[:missing], label] = True
        return [
            ClientData(s.name, s.conversations, s.supervised[kept[i, corpus.label[s.supervised]]])
            for i, s in enumerate(dealt)
        ]
