"""A client is a group of people who talk with nobody else: a session of IEMOCAP, a call, a home."""

import numpy as np

from fedaffect.corpus.partition.base import ClientData, Scheme, whole_conversations
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition
from fedaffect.schema import Integers


class Session(Scheme):
    takes_number = False

    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        rows = np.flatnonzero(corpus.items_in("train"))
        group = np.arange(len(corpus.persons))
        conversations = np.unique(corpus.conversation[rows])
        together = [np.unique(corpus.person[corpus.rows(int(c))]) for c in conversations]
        for people in together:
            for other in np.unique(group[people]):
                group[group == other] = group[people].min()
        of_conversation = np.array([group[people[0]] for people in together])
        return [
            whole_conversations(
                corpus, "+".join(_names(corpus, group, g)), conversations[of_conversation == g]
            )
            for g in np.unique(of_conversation)
        ]


def _names(corpus: ConversationCorpus, group: Integers, number: int) -> list[str]:
    """Whose group it is; of many, the first three and how many more."""
    members = [corpus.persons[i] for i in np.flatnonzero(group == number)]
    return members if len(members) <= 4 else [*members[:3], f"{len(members) - 3} more"]
