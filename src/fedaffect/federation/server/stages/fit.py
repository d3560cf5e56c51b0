"""One round of training: the cohort, its updates, the new state of the server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.base import State
from fedaffect.federation.drift import Drift
from fedaffect.federation.faults import draw_fault, pop_due, store_late, without_late
from fedaffect.federation.messages.reply import Reply
from fedaffect.federation.messages.request import Request
from fedaffect.federation.messages.update import Update
from fedaffect.federation.model_ema import update_mean
from fedaffect.federation.selection import select
from fedaffect.federation.server.checkpoints import RunState
from fedaffect.federation.server.server import Server, Traffic, broadcast_of
from fedaffect.federation.stages.fit import NAME

LOST_IN_ROW = 3


@dataclass
class Received:
    """What the server noted while the updates of a round came in."""

    drift: Drift | None
    traffic: Traffic = field(default_factory=Traffic)
    losses: list[float] = field(default_factory=list)
    volumes: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    late: State = field(default_factory=dict)


def train_round(
    server: Server, run_state: RunState, state: State
) -> tuple[State, dict[str, Any]] | None:
    """Train round `run_state.round`: the new state and the fields of its event; None where it was lost.

    Raises:
        UserError: three rounds in a row were lost.
    """
    number, experiment, algorithm = run_state.round, server.experiment, server.algorithm
    volumes = server.participants.volumes
    cohort = select(experiment.clients, volumes, experiment.seed, number, server.trace)
    server.log.append(
        "round_started", round=number, cohort=list(cohort.chosen), offline=list(cohort.offline)
    )
    public = broadcast_of(state)
    requests = [Request(NAME, i, number, public) for i in cohort.chosen]
    compares = experiment.rounds.record == "clients" and not algorithm.all_in_one_client
    received = Received(Drift(public, experiment.seed) if compares else None)
    due, waiting = pop_due(state, number, experiment.conditions.late_discount)
    updates = chain(due, _updates(server, number, requests, received))
    aggregate = algorithm.aggregator.reduce(updates)
    run_state.bytes_up += received.traffic.up
    run_state.bytes_down += received.traffic.down
    for client in cohort.chosen:
        run_state.selected[client] += 1
    answered = len(received.losses)
    if not answered or answered < experiment.rounds.quorum * len(requests):
        _lose(server, run_state, received, len(requests))
        return None
    run_state.lost_in_row = 0
    context = replace(server.context, round=number)
    before = without_late(state)
    state = algorithm.server_round(before, aggregate, context)
    if experiment.rounds.average:
        state = update_mean(state, before, experiment.rounds.average, number)
    return {**state, **waiting, **received.late}, {
        "loss": float(np.average(received.losses, weights=received.volumes)),
        "updates": aggregate.updates,
        "late": len(due),
        "bytes_up": received.traffic.up,
        "bytes_down": received.traffic.down,
        "measures": algorithm.measures(state, context),
        "drift": received.drift.account(state) if received.drift else {},
    }


def _updates(
    server: Server, number: int, requests: Sequence[Request], received: Received
) -> Iterator[Update]:
    """The updates of a round as they come, each entered into the record."""
    for reply in server.exchange(NAME, requests, received.traffic):
        if reply.update is None:
            received.failures.append(reply.reason)
            server.log.append(
                "client_failed", round=number, client=reply.client, reason=reply.reason
            )
            continue
        fault = draw_fault(server.algorithm, server.experiment, number, reply.client)
        event = _event(server, number, reply, reply.update)
        server.log.append("client_finished", **event, **fault.recorded)
        if fault.lost:
            continue
        if fault.delay:
            received.late |= store_late(reply.update, reply.client, number, number + fault.delay)
            continue
        if received.drift:
            received.drift.observe(reply.client, reply.update)
        received.losses.append(reply.update.scalars.get("loss", 0.0))
        received.volumes.append(event["volume"])
        yield reply.update


def _event(server: Server, number: int, reply: Reply, update: Update) -> dict[str, Any]:
    sent: dict[str, int] = {}
    tensors = {} if server.algorithm.all_in_one_client else update.tensors
    for name, array in tensors.items():
        kind = name.partition("/")[0]
        sent[kind] = sent.get(kind, 0) + array.nbytes
    return {
        "round": number,
        "client": reply.client,
        "loss": update.scalars.get("loss", 0.0),
        "volume": int(server.participants.volumes[reply.client]),
        "seconds": reply.seconds,
        "bytes_up": reply.bytes_up,
        "bytes_down": reply.bytes_down,
        "sent": sent,
        "scalars": {n: s for n, s in update.scalars.items() if n != "loss"},
    }


def _lose(server: Server, run_state: RunState, received: Received, asked: int) -> None:
    answered, quorum = len(received.losses), server.experiment.rounds.quorum
    reason = f"{answered} of {asked} clients answered; the quorum is {quorum:g}"
    # What clients remember must not run ahead of a state that never received it.
    server.engine.rewind(run_state.round - 1)
    if not asked:
        reason = "nobody was online (clients.availability)"
    if received.failures:
        reason += f"; first failure: {received.failures[0]}"
    traffic = {"bytes_up": received.traffic.up, "bytes_down": received.traffic.down}
    server.log.append("round_lost", round=run_state.round, reason=reason, **traffic)
    run_state.lost_in_row += 1
    if run_state.lost_in_row >= LOST_IN_ROW:
        raise UserError(
            f"round {run_state.round}: {LOST_IN_ROW} rounds in a row were lost ({reason}); "
            "lower training.learning_rate if clients diverge, or rounds.quorum if they drop out"
        )
