"""Images as they could have been: mirrored, moved, turned, nearer or further, partly covered."""

import math

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from fedaffect.experiment import Section


class Augmentation(Section):
    """How far an image may be from the one that was taken, while learning; 0 = not at all."""

    mirror: float = Field(0.5, ge=0, le=1, description="how often left and right are exchanged")
    shift: float = Field(0.08, ge=0, le=1, description="at most, either way, in parts of a side")
    rotation: float = Field(10.0, ge=0, le=180, description="at most, either way, in degrees")
    zoom: float = Field(0.1, ge=0, lt=1, description="at most, nearer or further, in parts of 1")
    erase: float = Field(0.0, ge=0, le=1, description="how often a rectangle is blotted out")
    erase_side: float = Field(
        0.4, ge=0, le=1, description="of that rectangle, at most, in parts of the image's"
    )


def augmented(images: Tensor, settings: Augmentation) -> Tensor:
    """Each image changed in its own way, drawn from torch's current generator.

    Args:
        images: float32 [n, 1, height, width]; what comes into view, or is blotted out, is 0.

    Returns:
        The same shape.
    """
    return _erased(_moved(images, settings), settings)


def _moved(images: Tensor, settings: Augmentation) -> Tensor:
    """One affine map an image, so that it is read once (bilinear)."""
    angle = math.radians(settings.rotation) * _either_way(images)
    zoom = 1 + settings.zoom * _either_way(images)
    mirror = torch.where(_draw(images) < settings.mirror, -1.0, 1.0)
    # Coordinates run from -1 to 1, so a side is 2 long.
    right, down = (2 * settings.shift * _either_way(images) for _ in range(2))
    cosine, sine = zoom * angle.cos(), zoom * angle.sin()
    rows = [
        torch.stack([mirror * cosine, -sine, right], dim=1),
        torch.stack([mirror * sine, cosine, down], dim=1),
    ]
    grid = functional.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def _erased(images: Tensor, settings: Augmentation) -> Tensor:
    """Random erasing (Zhong et al. 2020): a rectangle that lies anywhere within the image."""
    inside = (_draw(images) < settings.erase).view(-1, 1, 1, 1)
    for dim in (2, 3):
        side = settings.erase_side * _draw(images)
        start = _draw(images) * (1 - side)
        size = images.shape[dim]
        place = (torch.arange(size, device=images.device) + 0.5) / size
        within = (place >= start.unsqueeze(1)) & (place < (start + side).unsqueeze(1))
        inside = inside & within.view(-1, 1, *((size, 1) if dim == 2 else (1, size)))
    return images.masked_fill(inside, 0)


def _draw(images: Tensor) -> Tensor:
    """[n], uniform in 0..1."""
    return torch.rand(len(images), device=images.device)


def _either_way(images: Tensor) -> Tensor:
    """[n], uniform in -1..1."""
    return 2 * _draw(images) - 1
