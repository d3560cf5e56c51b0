"""Rounds of Flower's simulator in which clients send back what they received; prints seconds as JSON.

Run by noop_round.py with an interpreter that has `flwr[simulation]`; nothing of fedaffect is imported.

    python flower_rounds.py --rounds 20 --clients 20 --tensors 10 --size 10000 --actors 2
"""

import argparse
import json
import time

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation


class Timed(FedAvg):
    """FedAvg that notes when each round begins."""

    begun: list[float]

    def configure_train(self, *args, **kwargs):
        self.begun.append(time.perf_counter())
        return super().configure_train(*args, **kwargs)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("rounds", "clients", "tensors", "size", "actors"):
        options.add_argument(f"--{name}", type=int, required=True)
    chosen = options.parse_args()
    client_app, server_app = ClientApp(), ServerApp()
    strategy = Timed(
        fraction_evaluate=0.0, min_train_nodes=chosen.clients, min_available_nodes=chosen.clients
    )
    strategy.begun = []

    @client_app.train()
    def train(message: Message, context: Context) -> Message:
        answer = {
            "arrays": message.content["arrays"],
            "metrics": MetricRecord({"num-examples": 10, "loss": 0.0}),
        }
        return Message(content=RecordDict(answer), reply_to=message)

    @server_app.main()
    def serve(grid: Grid, context: Context) -> None:
        random = np.random.default_rng(0)
        arrays = {
            f"tensor.{i}": Array(random.normal(size=chosen.size).astype(np.float32))
            for i in range(chosen.tensors)
        }
        strategy.start(grid, ArrayRecord(arrays), num_rounds=chosen.rounds)
        strategy.begun.append(time.perf_counter())

    run_simulation(
        server_app,
        client_app,
        num_supernodes=chosen.clients,
        backend_config={
            "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
            "init_args": {"num_cpus": chosen.actors, "include_dashboard": False},
        },
    )
    print(json.dumps(np.diff(strategy.begun).tolist()))


if __name__ == "__main__":
    main()
