"""A client's own model on a part that all share."""

from collections.abc import Mapping
from dataclasses import replace

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.federation.algorithms.base import Algorithm, State, features
from fedaffect.federation.client.site import Site
from fedaffect.federation.messages.declarations import Spec
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update
from fedaffect.federation.stages.evaluate import as_tensors, declared_updates
from fedaffect.learning.learner import Learner
from fedaffect.learning.metrics import Evaluation, evaluate
from fedaffect.schema import Tensors


def work(site: Site, request: Request) -> tuple[Update, Tensors]:
    memory = site.memory.read(request.client, at=request.round)
    model = site.algorithm.model_for(request.state, memory, site.variant.context)
    with site.learner.using_view(site.view):
        found = evaluate_model(
            site.algorithm, request.state, model, site.learner, site.corpus, request.split
        )
    return Update(as_tensors(found)), {}


def declared(site: Site, request: Request) -> Mapping[str, Spec]:
    conversations = len(site.corpus.conversations_in(request.split))
    return declared_updates(site.corpus.schema, conversations)


def evaluate_model(
    algorithm: Algorithm,
    state: State,
    model: Tensors,
    learner: Learner,
    corpus: ConversationCorpus,
    split: str,
) -> dict[str, Evaluation]:
    """One model on one part, by its own head (`head`) and by nearest prototype (`prototype`)."""
    learner.set({**model, **features(state)})
    outputs = learner.predict(corpus.conversations_in(split))
    found = {"head": evaluate(corpus, outputs)}
    if "prototype" in algorithm.evaluations:
        nearest = algorithm.predict_nearest(state, outputs, len(corpus.classes))
        if nearest is not None:
            found["prototype"] = evaluate(corpus, replace(outputs, probability=nearest))
    return found
