"""Builds the learner of an experiment's `model.name`; torch is imported only for models that need it."""

from typing import Any

from fedaffect import registry
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Experiment, Section
from fedaffect.learning.learner import Learner


def build_learner(corpus: ConversationCorpus, experiment: Experiment, roles: int = 0) -> Learner:
    """The learner of `model.name`, with the model of `start.run` or one initialised from the seed.

    Args:
        roles: number of roles of the model, where the corpus has fewer.

    Raises:
        UserError: no such model, or one that does not match the corpus or the experiment.
    """
    model = registry.find("model", experiment.model.name)
    learner: Learner
    if _is_learner(model):
        learner = model(corpus, experiment)
    else:
        from fedaffect.learning.torch.trainer import ConversationTrainer

        learner = ConversationTrainer(corpus, experiment, roles)
    if experiment.start.run:
        from fedaffect.learning.initial_model import load_initial

        load_initial(learner, corpus, experiment)
    return learner


def settings_of(experiment: Experiment) -> Section:
    """The model's own settings with its defaults.

    Raises:
        UserError: no such model or setting.
    """
    model = registry.find("model", experiment.model.name)
    if _is_learner(model):
        settings: Section = model.settings_of(experiment)
        return settings
    from fedaffect import models

    return models.settings_of(experiment.model.name, experiment.model.settings)


def _is_learner(model: type[Any]) -> bool:
    """Whether a model is a `Learner`, as a forest is, and not a network."""
    return hasattr(model, "fit")
