"""Centralised learning: FedAvg with one client that holds everything. The bound from above."""

from typing import ClassVar

from fedaffect.federation.algorithms.fedavg import FedAvg


class Centralised(FedAvg):
    """All recordings in one place; whatever the partition says, it is not applied."""

    all_in_one_client: ClassVar[bool] = True
