"""A recurrent network over whole conversations, whatever their length."""

from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fedaffect.models.layers.packing import Packing


class Recurrent(nn.Module):
    """A GRU or an LSTM that reads each conversation from its first utterance to its last.

    Padding is never read, so a backward direction begins at the last utterance.

    Args:
        width: of the output; a bidirectional network gives half of it to each direction.
        dropout: between layers.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        cell: Literal["gru", "lstm"] = "gru",
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if bidirectional and width % 2:
            raise ValueError(f"width {width} cannot be halved for two directions")
        network = nn.GRU if cell == "gru" else nn.LSTM
        self.network = network(
            inputs,
            width // 2 if bidirectional else width,
            num_layers=layers,
            bidirectional=bidirectional,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
        )

    def forward(self, stream: Tensor, packing: Packing) -> Tensor:
        """[T, inputs] of packed utterances → [T, width]."""
        padded = packing.unpack(stream)
        sequence = pack_padded_sequence(
            padded, packing.lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        read, _ = self.network(sequence)
        output, _ = pad_packed_sequence(read, batch_first=True, total_length=padded.shape[1])
        return packing.pack(output)
