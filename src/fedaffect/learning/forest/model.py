"""A forest as the model of an experiment: its settings, its grid of thresholds, its tensors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Section, validated
from fedaffect.inference.forest import Forest
from fedaffect.learning.forest.bagging import FEWEST
from fedaffect.learning.forest.random_splits import Grid, even_grid, standard_grid
from fedaffect.schema import Tensors


class Settings(Section):
    """The experiment's `[model]` section with `name = "forest"`."""

    trees: int = Field(200, ge=1, le=1000, description="of a forest, or of a round")
    depth: int = Field(6, ge=1, le=10, description="splits from a root to a leaf, at most")
    leaf: int = Field(FEWEST, ge=FEWEST, le=10_000, description="fewest items in a grown leaf")
    levels: int = Field(31, ge=1, le=1023, description="thresholds that a column may be cut at")
    ranges: tuple[tuple[float, float], ...] = Field(
        (),
        description="low and high of each column, as known in public, where features.standardise = "
        '"none"; otherwise the grid is in standard deviations',
    )


def settings_of(experiment: Experiment) -> Settings:
    """The forest's settings.

    Raises:
        UserError: another model, or settings that a forest does not have.
    """
    if experiment.model.name != "forest":
        raise UserError(
            f"model.name: `{experiment.model.name}` is no forest; set model.name=forest"
        )
    return validated(Settings, experiment.model.settings, "model forest")


def grid_of(experiment: Experiment, columns: int) -> Grid:
    """float32 [columns, levels]: the public thresholds of each column.

    Raises:
        UserError: not one range for each column, a range that does not increase, or standardised columns.
    """
    settings = settings_of(experiment)
    if not settings.ranges:
        return standard_grid(columns, settings.levels)
    if experiment.features.standardise != "none":
        raise UserError("model forest: ranges: of raw columns; set features.standardise=none")
    if len(settings.ranges) != columns:
        raise UserError(
            f"model forest: ranges: {len(settings.ranges)}; give {columns}, one a column"
        )
    for number, (low, high) in enumerate(settings.ranges):
        if not -np.inf < low < high < np.inf:
            raise UserError(
                f"model forest: ranges: {low:g} to {high:g} of column {number}; give low < high"
            )
    return even_grid(settings.ranges, settings.levels)


def model_tensors(forest: Forest) -> Tensors:
    """The tensors `model/...` of a forest."""
    return {f"model/{name}": array.copy() for name, array in forest.arrays.items()}


def forest_of(tensors: Mapping[str, npt.NDArray[Any]]) -> Forest:
    """The inverse of `model_tensors`.

    Raises:
        UserError: tensors that are no forest.
    """
    try:
        return Forest.of({name.removeprefix("model/"): array for name, array in tensors.items()})
    except UserError as error:
        raise UserError(f"model: {error}") from None
