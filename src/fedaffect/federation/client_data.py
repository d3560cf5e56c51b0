"""What each client of an experiment holds: its part of the corpus, and what is wrong with it."""

from dataclasses import replace

import numpy as np

from fedaffect.corpus.partition import all_in_one_client, partition
from fedaffect.corpus.perturbations import hide_from_all, hide_from_clients, mislabel
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Experiment
from fedaffect.schema import ClientData


def dealt(corpus: ConversationCorpus, experiment: Experiment, in_one: bool) -> list[ClientData]:
    """What each client holds; in one place all of it, but no more than clients would be given."""
    conditions, seed, shots = experiment.conditions, experiment.seed, experiment.partition.shots
    if in_one and not shots and not conditions.missing_clients:
        return mislabel(corpus, all_in_one_client(corpus), conditions, seed)
    given = partition(corpus, experiment.partition, seed)
    client_data = hide_from_clients(corpus, given, conditions, seed)
    if in_one:
        whole = all_in_one_client(corpus)[0]
        if shots:
            labels = np.unique(np.concatenate([data.supervised for data in client_data]))
            whole = replace(whole, supervised=labels)
        client_data = [hide_from_all(corpus, whole, client_data)]
    return mislabel(corpus, client_data, conditions, seed)
