"""Which learner goes with an experiment's `model.name`. Torch is imported only for models that need it."""

from typing import Any

from fedaffect import registry
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Experiment, Section
from fedaffect.learning.learner import Learner


def build_learner(corpus: ConversationCorpus, experiment: Experiment, roles: int = 0) -> Learner:
    """The learner of `model.name`: a class that learns by itself, or torch's trainer of a network.

    It has the model that `start.run` names, else one drawn from the seed.

    Args:
        roles: how many roles a model knows, where that is more than the corpus shows.

    Raises:
        UserError: no such model, or what its learner refuses.
    """
    found = registry.find("model", experiment.model.name)
    learner: Learner
    if _learns(found):
        learner = found(corpus, experiment)
    else:
        from fedaffect.learning.torch.trainer import ConversationTrainer

        learner = ConversationTrainer(corpus, experiment, roles)
    if experiment.start.run:
        from fedaffect.learning.initial_model import load_initial

        load_initial(learner, corpus, experiment)
    return learner


def settings_of(experiment: Experiment) -> Section:
    """The model's own settings, its defaults filled in.

    Raises:
        UserError: no such model, or a setting that it does not have.
    """
    found = registry.find("model", experiment.model.name)
    if _learns(found):
        settings: Section = found.settings_of(experiment)
        return settings
    from fedaffect import models

    return models.settings_of(experiment.model.name, experiment.model.settings)


def _learns(found: type[Any]) -> bool:
    """Whether a model is a `Learner` itself, as a forest is, and no network."""
    return hasattr(found, "fit")
