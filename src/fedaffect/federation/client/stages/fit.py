"""A client's learning in one round, by the run's algorithm."""

from collections.abc import Mapping

from fedaffect.federation.algorithms.base import Client
from fedaffect.federation.client.site import Site
from fedaffect.federation.faults import draw_fault
from fedaffect.federation.messages.declarations import Spec
from fedaffect.federation.messages.reply import RefusedError
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update
from fedaffect.learning.learner import DivergedError
from fedaffect.schema import Tensors


def work(site: Site, request: Request) -> tuple[Update, Tensors]:
    """
    Raises:
        RefusedError: the client dropped out or diverged.
    """
    fault = draw_fault(site.algorithm, site.experiment, request.round, request.client)
    if fault.drops_out:
        raise RefusedError("dropped out (conditions.drop_out)")
    client = Client(
        index=request.client,
        data=site.data,
        learner=site.learner,
        label=site.view.label,
        counts=site.label_counts,
        context=site.context,
        completed_fraction=fault.completed_fraction,
    )
    memory = site.memory.read(request.client, at=request.round - 1)
    try:
        with site.learner.using_view(site.view):
            return site.algorithm.client_round(request.state, client, memory)
    except DivergedError as error:
        raise RefusedError(str(error)) from None


def declared(site: Site, request: Request) -> Mapping[str, Spec]:
    return site.declared
