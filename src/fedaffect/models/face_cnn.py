"""A small residual network for faces, made to be trained by many clients on CPUs.

Blocks of two 3 × 3 convolutions with a shortcut (He et al. 2016), on a quarter of the image's pixels and
fewer. On a CPU such dense convolutions are the fast ones: depthwise ones save multiplications, but no
time (docs/performance.md).

**Normalisation** is over groups of channels of one face (Wu and He 2018), not over the batch. The statistics
of a batch are those of a client's own mixture of emotions: where clients hold different mixtures each trains
under statistics that the averaged model is not used with, and accuracy falls (Hsieh et al. 2020). A face's
own are the same in training and in use, alone or among others, and there are none to send or to average.
Filters are standardised too (Qiao et al. 2019), which learns as fast as statistics of the batch would: dev
weighted F1 on FER2013 is .51 after three passes, where it otherwise is .42.
"""

from collections.abc import Mapping

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional

from fedaffect.errors import UserError
from fedaffect.models.base import DialogueBatch, Prediction, equal_weights, joint_prediction
from fedaffect.models.layers.augmentation import Augmentation, augmented
from fedaffect.models.layers.convolution import StandardisedConvolution
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.linear import Linear
from fedaffect.models.layers.packing import Packing
from fedaffect.schema import Size

GROUP = 8
"""Channels that are normalised together."""

LEAST_CONTRAST = 8.0
"""In grey levels: what a face's deviation counts as at least, lest the noise of a blank be blown up."""


class FaceCNN(nn.Module):
    """Looks at faces one by one; a conversation makes no difference to them.

    Args:
        modalities: one, of grey images: its shape (height, width).
        roles: not used.

    Raises:
        UserError: more than one modality, or one that is no grey image.
    """

    reads_images = True

    class Settings(Augmentation):
        widths: tuple[int, ...] = Field(
            (16, 64, 128, 256),
            min_length=1,
            description="channels of the stages, each at half the height and width of the one before",
        )
        blocks: int = Field(1, ge=1, description="of two convolutions, in each stage")
        places: int = Field(
            3,
            ge=1,
            description="a side that the last maps are pooled to: it counts where a mouth is",
        )
        embedding_dim: int = Field(128, ge=2)
        dropout: float = Field(0.2, ge=0, lt=1)
        both_sides: bool = Field(
            False,
            description="once learnt, look at the mirror image too: twice the time, a bit more right",
        )

        @field_validator("widths")
        @classmethod
        def _of_whole_groups(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
            if any(width < GROUP or width % GROUP for width in widths):
                raise ValueError(f"not multiples of {GROUP}")
            return widths

    def __init__(
        self, settings: Settings, *, modalities: Mapping[str, Size], roles: int, classes: int
    ) -> None:
        super().__init__()
        self.modality, self.settings = _only_image(modalities), settings
        width = settings.widths[0]
        self.stem = nn.Sequential(_convolution(1, width, 5, stride=2), _normalise(width), nn.ReLU())
        stages = list[nn.Module]()
        for number, wider in enumerate(settings.widths):
            for block in range(settings.blocks):
                stages.append(Residual(width, wider, stride=2 if number and not block else 1))
                width = wider
        self.stages = nn.Sequential(*stages)
        self.hidden = Linear(width * settings.places**2, settings.embedding_dim)
        self.classify = Linear(settings.embedding_dim, classes)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: DialogueBatch) -> Prediction:
        """Predict every face of a batch; see `DialogueBatch` and `Prediction` for shapes.

        An item without a face has the embedding 0 and says nothing: its logits are 0.
        """
        packing = Packing(batch.valid & batch.present[self.modality])
        hidden = self.embed(packing.pack(batch.features[self.modality]))
        logits = self.classify(self.dropout(hidden))
        return joint_prediction(packing, logits, hidden, equal_weights(batch))

    def embed(self, faces: Tensor) -> Tensor:
        """[n, height, width] → [n, embedding_dim]."""
        if not faces.shape[0]:
            return self.hidden.weight.new_zeros(0, self.hidden.out_features)
        image = _standardised(faces.float()).unsqueeze(1)
        if self.training:
            image = augmented(image, self.settings)
        elif self.settings.both_sides:
            return (self._read(image) + self._read(image.flip(-1))) / 2
        return self._read(image)

    def _read(self, image: Tensor) -> Tensor:
        """[n, 1, height, width], standardised → [n, embedding_dim]."""
        maps = self.stages(self.stem(image))
        pooled = functional.adaptive_avg_pool2d(maps, self.settings.places).flatten(1)
        embedding: Tensor = self.hidden(self.dropout(pooled)).relu()
        return embedding


class Residual(nn.Module):
    """Two convolutions whose result is added to what they read, brought to its shape."""

    def __init__(self, width: int, wider: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(width, wider, 3, stride)
        self.second = _convolution(wider, wider, 3)
        self.normalise_first, self.normalise_second = _normalise(wider), _normalise(wider)
        same = width == wider and stride == 1
        self.shortcut = nn.Identity() if same else _convolution(width, wider, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        added = self.normalise_first(self.first(x)).relu()
        added = self.normalise_second(self.second(added))
        total: Tensor = self.shortcut(x) + added
        return total.relu()


def _standardised(faces: Tensor) -> Tensor:
    """Each face by its own mean and deviation: how bright and how hard its light was makes no difference."""
    deviation, mean = torch.std_mean(faces, dim=(1, 2), keepdim=True, correction=0)
    standardised: Tensor = (faces - mean) / deviation.clamp_min(LEAST_CONTRAST)
    return standardised


def _convolution(width: int, wider: int, side: int, stride: int = 1) -> nn.Conv2d:
    return StandardisedConvolution(width, wider, side, stride, side // 2)


def _normalise(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(width // GROUP, width)


def _only_image(modalities: Mapping[str, Size]) -> str:
    for name, size in modalities.items():
        if len(modalities) > 1 or isinstance(size, int) or len(size) != 2:
            raise UserError(
                f"modality `{name}`: face_cnn reads one modality of grey images (height, width), not "
                f"{', '.join(f'{m} {s}' for m, s in modalities.items())}; choose it with features.modalities"
            )
    return next(iter(modalities))
