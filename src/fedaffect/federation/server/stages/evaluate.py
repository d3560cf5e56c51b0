"""How good a state is: the server's model by its evaluator, or each client's model by the client."""

from fedaffect.federation.algorithms.base import State
from fedaffect.federation.messages.request import Request
from fedaffect.federation.model_ema import averaged_model
from fedaffect.federation.server.checkpoints import RunState
from fedaffect.federation.server.evaluations import Evaluations, personal_confusions
from fedaffect.federation.server.server import Server, Traffic, broadcast_of
from fedaffect.federation.stages.evaluate import NAME, from_tensors


def evaluate(
    server: Server, run_state: RunState, state: State, number: int, split: str
) -> Evaluations:
    """Evaluate a state, the clients remembering what they did after round `number`."""
    primary = server.algorithm.evaluations[0]
    if primary == "global":
        state = averaged_model(state)
        model = server.algorithm.model_for(state, {}, server.context)
        found = [server.evaluator.evaluate(state, model, split)]
    else:
        public, traffic = broadcast_of(state), Traffic()
        clients = range(len(server.participants))
        requests = [Request(NAME, i, number, public, split) for i in clients]
        replies = server.exchange(NAME, requests, traffic)
        found = [from_tensors(reply.update.tensors) for reply in replies if reply.update]
        run_state.bytes_evaluation += traffic.up + traffic.down
    modes = {primary: [one["head"] for one in found]}
    if all("prototype" in one for one in found):
        modes["prototype"] = [one["prototype"] for one in found]
    personal = personal_confusions(modes[primary], server.participants.labels)
    return Evaluations(modes, personal, primary)
