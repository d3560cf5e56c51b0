"""What was said before each utterance, by its own speaker and by the others, and how it is read.

For memory networks of conversations: CMN (Hazarika et al., NAACL 2018) and ICON (EMNLP 2018).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedaffect.models.fusions.weighted import softmax_over_present
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class History:
    """Up to K utterances before each of the T packed ones, oldest first.

    Utterances of one role that look back as far as the same one, such as the beginning, share a window:
    what is computed along it is the same for all, and a later one sees more of it. So W ≤ T.

    Attributes:
        rows: int64 [W, K], the packed utterance in each slot of a window.
        own: bool [W, K], True = said by the role that looks back, False = by another.
        window: int64 [T], where each utterance looks.
        past: bool [T, K], True = the slot is before the utterance; no other may be read.
    """

    def __init__(self, role: Tensor, packing: Packing, slots: int) -> None:
        """`role`: int64 [B, N]; `slots`: K, cut where no conversation is that long."""
        role, turns = packing.pack(role), packing.turns
        utterance = torch.arange(len(turns), device=turns.device)
        seen = turns.clamp_max(slots)
        look = torch.stack([utterance - seen, role], dim=-1)
        windows, self.window = look.unique(  # type: ignore[no-untyped-call]
            dim=0, return_inverse=True
        )
        first, who = windows.unsqueeze(-1).unbind(1)
        slot = torch.arange(max(int(seen.max()), 1), device=turns.device)
        # A window may run on into what follows; nothing there is past for anyone who looks.
        self.rows = (first + slot).clamp_max(len(turns) - 1)
        self.own = role[self.rows] == who
        self.past = slot < seen.unsqueeze(-1)

    def read(self, query: Tensor, memory: Tensor, dropout: Dropout) -> Tensor:
        """What each query [T, d] finds in the memory [W, K, d] of its window; 0 where nothing is past.

        Weights are a softmax of tanh(q · m), with dropout.

        Returns:
            float32 [T, d].
        """
        seen = memory[self.window]
        score = torch.tanh(seen @ query.unsqueeze(-1)).squeeze(-1)
        weight = dropout(softmax_over_present(score, self.past, dim=-1))
        found: Tensor = weight.unsqueeze(-2) @ seen
        return found.squeeze(-2)


class SkippingGRU(nn.Module):
    """A GRU over windows that skips slots: its state is carried over them, and its output there is 0.

    What an utterance tells the gates is computed once, in however many windows it stands.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.input = Linear(inputs, 3 * width)
        self.state = Linear(width, 3 * width)

    def forward(self, stream: Tensor, rows: Tensor, counts: Tensor) -> Tensor:
        """States [W, K, width] after each slot.

        Args:
            stream: float32 [T, inputs].
            rows: int64 [W, K], which of them stands in each slot.
            counts: bool [W, K], False = skip the slot.
        """
        told = functional.embedding(rows.t(), self.input(stream))  # K, W, 3 width
        state = told.new_zeros(len(rows), self.width)
        states = []
        for heard, here in zip(told, counts.t().unsqueeze(-1), strict=True):
            reset, keep, new = heard.chunk(3, dim=-1)
            old_reset, old_keep, old = self.state(state).chunk(3, dim=-1)
            new = torch.tanh(new + torch.sigmoid(reset + old_reset) * old)
            state = torch.where(here, new.lerp(state, torch.sigmoid(keep + old_keep)), state)
            states.append(state)
        return torch.stack(states, dim=1) * counts.unsqueeze(-1)
