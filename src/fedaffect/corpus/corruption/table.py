"""The table of corruptions, and the amount of each at every severity."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from fedaffect.corpus.corruption.images import (
    blurred,
    covered,
    darkened,
    exposed,
    shadowed,
    spectacled,
    turned,
)
from fedaffect.corpus.corruption.item_random import Floats, ItemRandom
from fedaffect.corpus.corruption.signals import displaced, noisy, shaken

SEVERITIES = 5


@dataclass(frozen=True)
class Corruption:
    """One kind of corruption.

    Attributes:
        applies_to: images, signals (or their features), or any modality.
        amount: at severities 1 to 5, in `unit`.
        why: its cause, and why these amounts.
        apply: (values, amount [n], random numbers) → values; None where whole items are lost.
    """

    applies_to: Literal["image", "signal", "any"]
    amount: tuple[float, float, float, float, float]
    unit: str
    why: str
    apply: Callable[[Floats, Floats, ItemRandom], Floats] | None


CORRUPTIONS: Mapping[str, Corruption] = {
    "dark": Corruption(
        "image",
        (1, 2, 3, 4, 5),
        "stops of light missing",
        "Dusk, tunnels, night. Five stops are 1/32 of the light; scaling alone could be undone, the sensor's "
        "noise and the rounding to 256 levels cannot.",
        darkened,
    ),
    "over-exposed": Corruption(
        "image",
        (0.6, 1.2, 1.8, 2.4, 3.0),
        "stops of light too many",
        "Low sun, headlights. What is white is lost; three stops leave only the darkest features.",
        exposed,
    ),
    "cast shadow": Corruption(
        "image",
        (1, 1.75, 2.5, 3.25, 4),
        "stops between light and shade",
        "A pillar, a visor or a tree between sun and face. Photographers reckon with three to four stops "
        "between sun and shade.",
        shadowed,
    ),
    "vibration": Corruption(
        "image",
        (0.04, 0.08, 0.12, 0.16, 0.2),
        "length of the smear, in parts of a side",
        "Rough road and long exposure. Of 48 pixels the smear takes 2 to 10; an eye is 9 wide.",
        blurred,
    ),
    "head turned": Corruption(
        "image",
        (10, 20, 30, 40, 50),
        "degrees to a side",
        "Looking at a mirror, a display, a passenger. From 40 on, one eye is at the edge.",
        turned,
    ),
    "glasses": Corruption(
        "image",
        (0.2, 0.57, 0.82, 0.92, 0.97),
        "part of the light that the lenses take",
        "Dark rims at every severity; lenses as dark as each filter category of sunglasses allows, 0 to 4 "
        "(ISO 12312-1).",
        spectacled,
    ),
    "hand": Corruption(
        "image",
        (0.1, 0.2, 0.3, 0.4, 0.5),
        "part of the picture covered",
        "Scratching, leaning, a phone, a drink. From below or from a side, in the tone of the face.",
        covered,
    ),
    "sensor noise": Corruption(
        "signal",
        (0.25, 0.5, 1, 1.5, 2),
        "deviations of noise",
        "Cheap electrodes, dry skin, interference. From 1 on it is as large as the spread of the windows.",
        noisy,
    ),
    "displacement": Corruption(
        "signal",
        (0.5, 1, 1.5, 2, 3),
        "deviations of shift, at most; octaves of swing lost, at most",
        "The strap slips: weaker contact and another spot of skin. Lasts through a window.",
        displaced,
    ),
    "movement": Corruption(
        "signal",
        (0.1, 0.2, 0.35, 0.5, 0.7),
        "part of the time (of features: of the columns)",
        "Steering and shifting. While it lasts, a signal is thrown up to four deviations off.",
        shaken,
    ),
    "drop-out": Corruption(
        "any",
        (0.1, 0.2, 0.4, 0.6, 0.8),
        "part of the items lost",
        "A lost link, an empty battery, a face that is not found. The modality is absent, and fusion goes "
        "on without it.",
        None,
    ),
}
