"""The fields of a run's first and last event."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fedaffect.experiment import Experiment
from fedaffect.federation.algorithms.base import Algorithm, Context
from fedaffect.federation.messages.declarations import Spec, specs
from fedaffect.federation.server.checkpoints import RunState
from fedaffect.federation.server.evaluations import Evaluations
from fedaffect.federation.server.participants import Participants
from fedaffect.federation.server.round_loop import Outcome
from fedaffect.federation.stages import evaluate, statistics
from fedaffect.schema import Floats, Schema


def declared(
    algorithm: Algorithm, context: Context, schema: Schema, test_conversations: int
) -> list[dict[str, Any]]:
    """What may cross the boundary; what an algorithm sends up comes down again as an aggregate."""
    updates = algorithm.declared_updates(context)
    up: dict[str, Spec] = {
        **updates,
        **statistics.declared_updates(schema, context.experiment),
        **(
            evaluate.declared_updates(schema, test_conversations)
            if algorithm.evaluations[0] != "global"
            else {}
        ),
    }
    initial = specs(algorithm.initial(context))
    down = {**initial, **updates, **statistics.published(schema, context.experiment)}
    return [
        {"name": name, "shape": list(s.shape), "dtype": s.dtype, "direction": direction}
        for direction, table in (("up", up), ("down", down))
        for name, s in table.items()
    ]


def run_finished(
    experiment: Experiment, participants: Participants, outcome: Outcome
) -> Mapping[str, Any]:
    """The fields of `run_finished` but `timing`."""
    run_state, test = outcome.run_state, outcome.test
    heads = test.modes[test.primary]
    per_client = [head.modality_weights for head in heads]
    weights: Floats = np.sum(per_client, axis=0)
    selected = run_state.selected
    names = zip(participants.names, selected, strict=True)
    return {
        "selected_round": outcome.round,
        "rounds": run_state.round,
        "stopped": "count" if run_state.round == experiment.rounds.count else "patience",
        "dev": outcome.dev.summary(),
        "test": test.details(experiment.seed),
        "confusion": np.sum([head.total for head in heads], axis=0).tolist(),
        # Of one model, so that two runs can be compared conversation by conversation.
        "confusion_by_conversation": heads[0].confusion.tolist() if len(heads) == 1 else None,
        "modality_weights": _normalised(weights).tolist(),
        "client_modality_weights": (
            [_normalised(w.sum(axis=0)).tolist() for w in per_client] if len(heads) > 1 else None
        ),
        "reliability": np.sum([head.reliability for head in heads], axis=0).tolist(),
        "clients": _client_scores(participants, selected, test),
        "never_selected": [name for name, times in names if not times],
        "stability": stability(run_state),
        "best_test": run_state.best_test or None,
        "bytes_evaluation": run_state.bytes_evaluation,
        "bytes_up": run_state.bytes_up,
        "bytes_down": run_state.bytes_down,
    }


def stability(run_state: RunState) -> dict[str, float | int]:
    """How calmly the dev score rose: spread at the end, worst fall, rounds until it stays near."""
    if not run_state.dev_scores:
        return {
            "sd_last_5": 0.0,
            "largest_drop": 0.0,
            "rounds_to_within_1_point": run_state.round,
        }
    rounds, values = list(run_state.dev_scores), np.array(list(run_state.dev_scores.values()))
    falls = values[:-1] - values[1:]
    near = np.abs(values - values[-1]) <= 0.01
    stays = len(near) - int(np.argmin(near[::-1])) if not near.all() else 0
    return {
        "sd_last_5": float(values[-5:].std()),
        "largest_drop": float(max(falls.max(initial=0.0), 0.0)),
        "rounds_to_within_1_point": rounds[stays],
    }


def _client_scores(
    participants: Participants, selected: Sequence[int], test: Evaluations
) -> list[dict[str, Any]]:
    own = test.weighted_f1_of("local") if "local" in test.modes else [None] * len(participants)
    personal = test.weighted_f1_of("personal")
    return [
        {
            "name": name,
            "volume": int(participants.volumes[i]),
            "selected": selected[i],
            "local_weighted_f1": own[i],
            "personal_weighted_f1": personal[i],
        }
        for i, name in enumerate(participants.names)
    ]


def _normalised(weights: Floats) -> Floats:
    total = weights.sum(axis=-1, keepdims=True)
    normalised: Floats = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return normalised
