"""One client per connected component of persons who share training conversations, as a session of IEMOCAP."""

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
        for people in together:  # merge groups that share a person
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
    """Names of the group's persons; of more than four, the first three and the number of others."""
    members = [corpus.persons[i] for i in np.flatnonzero(group == number)]
    return members if len(members) <= 4 else [*members[:3], f"{len(members) - 3} more"]
