"""A client is a person: it holds the conversations it took part in and learns from its own words."""

import numpy as np

from fedaffect.corpus.partition.base import ClientData, Scheme
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Partition
from fedaffect.schema import UNLABELLED


class Person(Scheme):
    takes_number = False

    def share_out(
        self, corpus: ConversationCorpus, partition: Partition, random: np.random.Generator
    ) -> list[ClientData]:
        rows = np.flatnonzero(corpus.items_in("train"))
        rows = rows[np.argsort(corpus.person[rows], kind="stable")]
        persons, starts = np.unique(corpus.person[rows], return_index=True)
        clients = []
        for person, own in zip(persons, np.split(rows, starts)[1:], strict=True):
            conversations = np.unique(corpus.conversation[own])
            supervised = own[corpus.label[own] != UNLABELLED]
            clients.append(ClientData(corpus.persons[person], conversations, supervised))
        return clients
