"""An experiment: all that decides a run's numbers (`schema`), and where it comes from (`loading`)."""

from fedaffect.experiment.loading import SCENARIO, flat, presets, scenarios
from fedaffect.experiment.renamed import with_new_names
from fedaffect.experiment.schema import (
    SYNTHETIC,
    Algorithm,
    Clients,
    Conditions,
    Engine,
    Experiment,
    Features,
    Model,
    Partition,
    Rounds,
    Start,
    Training,
    online_probability,
    trace_file,
)
from fedaffect.experiment.validate import OpenSection, Section, validated

__all__ = [
    "SCENARIO",
    "SYNTHETIC",
    "Algorithm",
    "Clients",
    "Conditions",
    "Engine",
    "Experiment",
    "Features",
    "Model",
    "OpenSection",
    "Partition",
    "Rounds",
    "Section",
    "Start",
    "Training",
    "flat",
    "online_probability",
    "presets",
    "scenarios",
    "trace_file",
    "validated",
    "with_new_names",
]
