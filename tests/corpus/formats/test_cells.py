"""Names and whole numbers are also tried through the manifest (`test_manifest.py`)."""

import math
from pathlib import Path

import pytest

from fedaffect.corpus.formats.cells import Cell, indexed
from fedaffect.errors import UserError


def cell(value):
    return Cell(Path("x.csv"), 7, "EDA_mean", value)


@pytest.mark.parametrize(
    ("value", "number"), [(" 1.5 ", 1.5), (2, 2.0), ("-1e-3", -0.001), ("inf", math.inf)]
)
def test_numbers(value, number):
    assert cell(value).number() == number


@pytest.mark.parametrize("value", ["", "  ", None, "nan", math.nan])
def test_no_number(value):
    assert math.isnan(cell(value).number())


@pytest.mark.parametrize("value", ["calm", "0,5", True, [1.0], 10**400])
def test_what_is_no_number_is_named_with_its_cure(value):
    with pytest.raises(UserError, match=r"^x\.csv: line 7: EDA_mean: .* is no number; drop it$"):
        cell(value).number("drop it")


def test_names_are_sorted_and_an_empty_one_has_no_index():
    index, known = indexed(["10", "b", "", "2", "a", "2"])
    assert known == ("2", "10", "a", "b")
    assert index.tolist() == [1, 3, -1, 0, 2, 0]
