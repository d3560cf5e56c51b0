import pytest

from fedaffect.report import formatting


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (2_300, "2.3 kB"), (25_000_000, "25 MB"), (1.5e13, "15 TB")],
)
def test_data_sizes_have_decimal_units(count: float, text: str) -> None:
    assert formatting.data_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (59.2, "59 s"), (75, "1 min 15 s"), (3_700, "1 h 01 min"), (None, "–")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_an_unknown_figure_is_a_dash() -> None:
    assert formatting.figure(0.68125) == "0.681"
    assert formatting.figure(None) == formatting.figure(float("nan")) == "–"
    assert formatting.interval([0.5, 0.75]) == "0.500 to 0.750"
    assert formatting.interval([-0.25, 0.5], formatting.signed) == "-0.250 to +0.500"
    assert formatting.interval(None) == "–"
    assert formatting.data_size(None) == "–"


def test_differences_and_spreads() -> None:
    assert [formatting.signed(value) for value in (0.02, -0.02, None)] == ["+0.020", "-0.020", "–"]
    assert formatting.with_spread(0.68125, 0.01) == "0.681 ± 0.010"
    assert (formatting.with_spread(0.5, None), formatting.with_spread(None, None)) == ("0.500", "–")


def test_counts_and_shapes() -> None:
    assert formatting.count(1, "client") == "1 client"
    assert formatting.count(2, "client") == "2 clients"
    assert formatting.count(2, "class", "classes") == "2 classes"
    assert formatting.shape([6, 128]) == "6 × 128"
    assert formatting.shape([]) == "scalar"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "–"),
        ("", "–"),
        ([], "–"),
        ([0, 1], "0, 1"),
        (0.003, "0.003"),
        (0, "0"),
    ],
)
def test_values_of_settings(value: object, text: str) -> None:
    assert formatting.plain(value) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("finished", True, "yes"),
        ("bytes_up", 34_300_000, "34.3 MB"),
        ("seconds", 75, "1 min 15 s"),
        ("parameters", 7315, "7,315"),
        ("rounds", 2.5, "2.5"),
        ("rounds", 1500, "1500"),
        ("client_sd", 0.0711, "0.071"),
        ("seed", 1234, "1234"),
        ("seeds", [0, 1], "0, 1"),
        ("exchange", None, "–"),
    ],
)
def test_figures_of_a_summary_by_their_names(name: str, value: object, text: str) -> None:
    assert formatting.of_summary(name, value) == text
