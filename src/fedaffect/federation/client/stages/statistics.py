"""Column means and mean squares over the utterances held, label frequencies: what is asked for."""

from collections.abc import Mapping

import numpy as np

from fedaffect.corpus.batching import rows_of
from fedaffect.federation.client.site import Site
from fedaffect.federation.messages.declarations import Spec
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update
from fedaffect.federation.stages.statistics import (
    LABEL_FREQUENCY,
    declared_updates,
    standardised,
    takes_features,
    takes_labels,
)
from fedaffect.schema import Tensors


def work(site: Site, request: Request) -> tuple[Update, Tensors]:
    """Means over more than one utterance alone: the mean of one is the utterance itself."""
    data, view = site.data, site.view
    tensors: Tensors = {}
    weights: dict[str, float] = {}
    if takes_features(site.experiment):
        held = rows_of(view, data.conversations)
        for name in standardised(view.schema):
            values = view.features[name][held[view.present[name][held]]].astype(np.float64)
            if len(values) > 1:
                tensors[f"features/{name}/mean"] = values.mean(axis=0)
                tensors[f"features/{name}/mean_square"] = (values**2).mean(axis=0)
                weights[f"features/{name}"] = float(len(values))
    if takes_labels(site.experiment):
        counts = site.label_counts.astype(np.float64)
        weights["statistics"] = float(counts.sum())
        tensors[LABEL_FREQUENCY] = counts / max(counts.sum(), 1)
    return Update(tensors, weights), {}


def declared(site: Site, request: Request) -> Mapping[str, Spec]:
    return declared_updates(site.corpus.schema, site.experiment)
