import pytest

from fedaffect.record.paired import paired

BASE = {0: 0.60, 1: 0.62, 2: 0.64}


def test_by_hand() -> None:
    """Differences 1, 2, 3 points: mean 2, sd 1; t of 2 degrees of freedom is 4.3027."""
    found = paired({0: 0.61, 1: 0.64, 2: 0.67}, BASE)
    assert found is not None
    assert found.each == pytest.approx((0.01, 0.02, 0.03))
    assert found.mean == pytest.approx(0.02)
    half = 4.302653 * 0.01 / 3**0.5
    assert (found.low, found.high) == pytest.approx((0.02 - half, 0.02 + half))


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((0.020, 0.021, 0.019), "better"),
        ((-0.020, -0.021, -0.019), "worse"),
        ((0.01, 0.02, 0.03), "no difference shown"),
        ((0.0, 0.0, 0.0), "no difference shown"),
        ((0.05,), "one seed: no interval"),
    ],
)
def test_a_verdict(gains: tuple[float, ...], verdict: str) -> None:
    found = paired({seed: BASE[seed] + gain for seed, gain in enumerate(gains)}, BASE)
    assert found is not None
    assert found.verdict == verdict


def test_only_seeds_that_both_have_are_compared() -> None:
    found = paired({1: 0.70, 7: 0.10}, BASE)
    assert found is not None
    assert (found.each, found.low) == (pytest.approx((0.08,)), None)
    assert paired({7: 0.10}, BASE) is None
