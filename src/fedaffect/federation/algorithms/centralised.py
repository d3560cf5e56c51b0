"""Centralised learning: FedAvg with one client that holds everything. The bound from above."""

from typing import ClassVar

from fedaffect.federation.algorithms.fedavg import FedAvg


class Centralised(FedAvg):
    """All recordings in one place: the partition is not applied."""

    all_in_one_client: ClassVar[bool] = True
