"""Label skew that leaves conversations whole.

Each client draws class proportions from Dirichlet(alpha); the conversations, in random order, go to a client
with probability proportional to its proportions for the conversation's labels. A client left with nothing
takes a conversation from the one that holds most.
"""

import numpy as np

from fedaffect.corpus.partition.base import ClientData, Scheme, assign_by_weight, class_proportions
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition


class Dirichlet(Scheme):
    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        return assign_by_weight(corpus, class_proportions(corpus, partition, random), random)
