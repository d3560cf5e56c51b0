"""The sensors that are known, by name, and the features of each."""

from typing import Literal

from fedaffect.errors import UserError
from fedaffect.features.body.eda import EDA
from fedaffect.features.body.feature import FeatureSet
from fedaffect.features.body.level import level
from fedaffect.features.body.pulse import ECG, PULSE
from fedaffect.features.body.respiration import RESPIRATION
from fedaffect.features.body.wavelet import WAVELET

Kind = Literal["sensor", "wavelet"]
"""Features made for each sensor, or the same 48 of Fed-ReMECS for all."""

SENSORS = {
    "ecg": ECG,
    "eda": EDA,
    "heart_rate": level("bpm", 30, 220, 60),
    "motion": level("g", 0, 4, 4),
    "pulse": PULSE,
    "respiration": RESPIRATION,
    "temperature": level("°C", 20, 42, 2),
}


def feature_set(sensor: str, kind: Kind = "sensor") -> FeatureSet:
    """The features of a sensor.

    Raises:
        UserError: no such sensor.
    """
    if sensor not in SENSORS:
        raise UserError(f"no sensor `{sensor}`; give one of {', '.join(SENSORS)}")
    return WAVELET if kind == "wavelet" else SENSORS[sensor]
