"""Label skew that leaves conversations whole.

Each client draws a taste over classes from Dirichlet(alpha); the conversations, in random order, go to a
client with probability proportional to the taste for the conversation's labels. A client left with nothing
takes a conversation from the one that holds most.
"""

import numpy as np

from fedaffect.corpus.partition.base import ClientData, Scheme, dealt_by_pull, tastes
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition


class Dirichlet(Scheme):
    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        return dealt_by_pull(corpus, tastes(corpus, partition, random), random)
