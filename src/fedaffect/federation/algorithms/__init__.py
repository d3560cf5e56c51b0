"""Federated algorithms, one file an idea. A name is a file here, or `package.module:Class` elsewhere."""

from fedaffect import registry
from fedaffect.experiment import Algorithm as Section
from fedaffect.federation.algorithms.base import Algorithm


def find(section: Section) -> Algorithm:
    """The algorithm that an experiment's `[algorithm]` section names, with its settings.

    Raises:
        UserError: no such algorithm, or settings that it does not have.
    """
    algorithm: Algorithm = registry.find("algorithm", section.name)(section.settings)
    return algorithm
