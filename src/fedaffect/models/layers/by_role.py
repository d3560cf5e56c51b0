"""What each role says in a conversation, as a conversation of its own."""

import torch
from torch import Tensor

from fedaffect.models.layers.packing import Packing


class ByRole(Packing):
    """The same T packed utterances, but a padded row holds one role's own utterances, in order.

    Whatever reads whole conversations reads each role's thread alone when it is given this packing, and
    answers in the rows' usual order: `recurrent(stream, ByRole(batch.role, packing))`.
    """

    def __init__(self, role: Tensor, packing: Packing) -> None:
        """`role`: int64 [B, N]; a role that says nothing in a conversation has no thread there."""
        spoken = packing.pack(role)
        thread = packing.rows // packing.shape[1] * (spoken.max() + 1) + spoken
        lengths = thread.bincount()
        lengths = lengths[lengths > 0]
        turns = torch.arange(int(lengths.max()), device=role.device)
        super().__init__(turns < lengths.unsqueeze(1))
        # So far the rows go thread by thread; row t must be the place of utterance t among them.
        self.rows = self.rows[thread.argsort(stable=True).argsort()]
