"""DialogueRNN: one state for the conversation, one for each party in it, one for the emotion.

Majumder, Poria, Hazarika, Mihalcea, Gelbukh, Cambria: AAAI 2019. Here with any number of roles and of
modalities, which are concatenated, a missing one as zeros, and brought to the states' width by one linear
map: the release's cells read 100 features of text as they are. Dropout leaves the carried states alone.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from fedaffect.experiment import Section
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.fusions.concatenation import concatenated
from fedaffect.models.fusions.weighted import softmax_over_present
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing


class DialogueRNN(nn.Module):
    """An utterance changes the conversation's state and its speaker's, and from that the emotion follows.

    This is read forward and backward; then each utterance attends to the emotions of all of them. With
    neither `bidirectional` nor `attention`, nothing that comes after an utterance is seen.

    Args:
        modalities: feature width by name, in sorted order.
        roles: number of roles; each is a party with a state of its own, and of no other meaning.
    """

    class Settings(Section):
        """The shape of the model; widths as released for MELD. For IEMOCAP they are 500 and 300."""

        width: int = Field(150, ge=1, description="of the conversation's and the parties' states")
        emotion_width: int = Field(100, ge=1, description="of the emotion's, in each direction")
        listener: bool = Field(False, description="whether parties change while another speaks")
        bidirectional: bool = True
        attention: bool = Field(True, description="from each emotion to those of all utterances")
        dropout: float = Field(0.1, ge=0, lt=1)

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, int], roles: int, classes: int
    ) -> None:
        super().__init__()
        directions = 2 if settings.bidirectional else 1
        width, emotion = settings.width, settings.emotion_width
        self.modalities, self.roles = tuple(modalities), roles
        self.project = Linear(sum(modalities.values()), width)
        self.parties = nn.ModuleList(Parties(width, settings.listener) for _ in range(directions))
        self.emotion = nn.ModuleList(
            Recurrent(width, emotion, bidirectional=False) for _ in range(directions)
        )
        both = directions * emotion
        self.attend = GeneralAttention(both) if settings.attention else None
        self.hidden = Linear(both, both)
        self.classify = Linear(both, classes)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every utterance of a batch; see `DialogueBatch` and `Prediction` for shapes."""
        packing, weights = Packing(batch.valid), equal_weights(batch)
        stream, role = (
            self.project(concatenated(batch, packing, self.modalities)),
            packing.pack(batch.role),
        )
        felt = []
        for parties, emotion, order in zip(
            self.parties, self.emotion, (packing, Backwards(batch.valid)), strict=False
        ):
            speaks = functional.one_hot(order.unpack(role), self.roles).bool()
            states = order.pack(parties(order.unpack(stream), speaks))
            felt.append(emotion(self.dropout(states), order))
        emotions = self.dropout(torch.cat(felt, dim=-1))
        if self.attend is not None:
            told = packing.unpack(emotions)
            emotions = packing.pack(self.attend(told, told, batch.valid))
        something = packing.pack(weights).any(dim=-1, keepdim=True)
        hidden = self.hidden(emotions).relu() * something
        return joint_prediction(packing, self.classify(self.dropout(hidden)), hidden, weights)


class Parties(nn.Module):
    """Who knows what, turn by turn: the cells of the conversation and of the parties."""

    def __init__(self, width: int, listener: bool) -> None:
        super().__init__()
        self.attend = GeneralAttention(width)
        self.conversation = nn.GRUCell(2 * width, width)
        self.speaker = nn.GRUCell(2 * width, width)
        self.listener = nn.GRUCell(2 * width, width) if listener else None

    def forward(self, stream: Tensor, speaks: Tensor) -> Tensor:
        """The speaker's state after each utterance.

        Args:
            stream: float32 [B, N, d].
            speaks: bool [B, N, roles], one role an utterance.

        Returns:
            float32 [B, N, d].
        """
        past = stream[:, :0]
        state = stream.new_zeros(len(stream), speaks.shape[-1], stream.shape[-1])
        states = []
        for utterance, who in zip(stream.unbind(1), speaks.unsqueeze(-1).unbind(1), strict=True):
            past, state = self.turn(utterance, who, past, state)
            states.append((state * who).sum(dim=1))
        return torch.stack(states, dim=1)

    def turn(
        self, utterance: Tensor, who: Tensor, past: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One utterance [B, d] later.

        Args:
            who: bool [B, roles, 1], True = speaks.
            past: float32 [B, n, d], the conversation's states after each earlier utterance.
            state: float32 [B, roles, d] of the parties.

        Returns:
            `past` with one more, and the new `state`.
        """
        context = self.attend(utterance.unsqueeze(1), past).squeeze(1)
        before = (state * who).sum(dim=1)
        conversation = self.conversation(
            torch.cat([utterance, before], dim=-1), past[:, -1] if past.shape[1] else None
        )
        speaker = self.speaker(torch.cat([utterance, context], dim=-1), before)
        others = state
        if self.listener is not None:
            told = torch.cat([utterance, speaker], dim=-1).unsqueeze(1).expand(*state.shape[:2], -1)
            others = self.listener(told.flatten(0, 1), state.flatten(0, 1)).view_as(state)
        state = torch.where(who, speaker.unsqueeze(1), others)
        return torch.cat([past, conversation.unsqueeze(1)], dim=1), state


class GeneralAttention(nn.Module):
    """Means of a memory by softmax(W q · m): the `general` score of Luong et al. 2015."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = Linear(width, width, bias=False)

    def forward(self, query: Tensor, memory: Tensor, readable: Tensor | None = None) -> Tensor:
        """[B, n, d] for queries [B, n, d]; 0 where there is nothing to read.

        Args:
            memory: float32 [B, k, d].
            readable: bool [B, k], True = may be read; None = all.
        """
        score: Tensor = self.score(query) @ memory.transpose(1, 2)
        if readable is None:
            return score.softmax(dim=-1) @ memory
        return softmax_over_present(score, readable.unsqueeze(1), dim=-1) @ memory


class Backwards(Packing):
    """The same packed utterances, but each conversation's padded row holds them last to first."""

    def __init__(self, valid: Tensor) -> None:
        super().__init__(valid)
        lengths = self.lengths[self.rows // self.shape[1]]
        self.rows = self.rows + lengths - 1 - 2 * self.turns
