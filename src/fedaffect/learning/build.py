"""Which learner goes with an experiment's `model.name`. Torch is imported only for models that need it."""

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.experiment import Experiment, Section
from fedaffect.learning.learner import Learner

WITHOUT_TORCH = ("forest", "head")
"""Models that are no network of `fedaffect.models`."""


def build_learner(corpus: ConversationCorpus, experiment: Experiment, roles: int = 0) -> Learner:
    """The learner of `model.name`: `forest`, `head`, or a model of `fedaffect.models` in torch's trainer.

    It has the model that `start.run` names, else one drawn from the seed.

    Args:
        roles: how many roles a model knows, where that is more than the corpus shows.

    Raises:
        UserError: no such model, or what its learner refuses.
    """
    learner = _drawn(corpus, experiment, roles)
    if experiment.start.run:
        from fedaffect.learning.initial_model import begin

        begin(learner, corpus, experiment)
    return learner


def _drawn(corpus: ConversationCorpus, experiment: Experiment, roles: int) -> Learner:
    match experiment.model.name:
        case "forest":
            from fedaffect.learning.forest.learner import ForestLearner

            return ForestLearner(corpus, experiment)
        case "head":
            from fedaffect.learning.head.learner import HeadLearner

            return HeadLearner(corpus, experiment)
        case _:
            from fedaffect.learning.torch.trainer import ConversationTrainer

            return ConversationTrainer(corpus, experiment, roles)


def settings_of(experiment: Experiment) -> Section:
    """The model's own settings, its defaults filled in.

    Raises:
        UserError: no such model, or a setting that it does not have.
    """
    match experiment.model.name:
        case "forest":
            from fedaffect.learning.forest import learner as forest

            return forest.settings_of(experiment)
        case "head":
            from fedaffect.learning.head import learner as head

            return head.settings_of(experiment)
        case name:
            from fedaffect import models

            return models.settings_of(name, experiment.model.settings)


def schemas() -> dict[str, type[Section]]:
    """By name, the settings of every model there is."""
    from fedaffect import models
    from fedaffect.learning.forest import learner as forest
    from fedaffect.learning.head import learner as head

    without_torch: dict[str, type[Section]] = {"forest": forest.Settings, "head": head.Settings}
    return {name: models.schema_of(name) for name in models.names()} | without_torch
