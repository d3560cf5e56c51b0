"""What was said around an utterance, read by two recurrent networks before anything else."""

from torch import Tensor, nn

from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.packing import Packing


class RecurrentContext(nn.Module):
    """A BiGRU over the conversation and one over each role's own utterances, added to the stream.

    The two levels are those of MM-DFN (Hu et al. 2022) and MMTr (Zou et al. 2022). What is absent is read
    as zeros.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.conversation = Recurrent(width, width)
        self.thread = Recurrent(width, width)
        self.dropout = Dropout(dropout)

    def forward(self, stream: Tensor, packing: Packing, threads: Packing) -> Tensor:
        """[T, d] → [T, d].

        Args:
            threads: the same utterances `ByRole`.
        """
        heard = self.dropout(stream)
        read: Tensor = self.conversation(heard, packing) + self.thread(heard, threads)
        return stream + read
