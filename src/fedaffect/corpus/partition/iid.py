"""Conversations dealt out at random, equal numbers up to one."""

import numpy as np

from fedaffect.corpus.partition.base import ClientData, Scheme, client_name, whole_conversations
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition


class IID(Scheme):
    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        shuffled = random.permutation(corpus.conversations_in("train"))
        hands = np.array_split(shuffled, partition.clients)
        return [
            whole_conversations(corpus, client_name(i), np.sort(hand))
            for i, hand in enumerate(hands)
        ]
