import re

import numpy as np
from matplotlib.axes import Axes

from fedaffect.report.drawing import INK, distribution, draw, shorten


def paint(axes: Axes) -> None:
    axes.plot([0, 1], [1, 0], "o", color=INK)
    axes.set_title("<script> $x$ & 喜び")


def test_equal_input_gives_equal_bytes_and_other_names_other_ids() -> None:
    assert draw("a", 200, 100, paint) == draw("a", 200, 100, paint)
    ids = [set(re.findall(r' id="([^"]+)"', draw(name, 200, 100, paint))) for name in ("a", "b")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_drawing_is_one_svg_that_asks_for_nothing() -> None:
    svg = draw("a", 200, 100, paint)
    assert svg.startswith('<svg viewBox="0 0 200 100"')
    assert svg.endswith("</svg>")
    assert "http" not in svg
    assert "<style" not in svg
    assert set(re.findall(r'href="(.)', svg)) == {"#"}
    assert "xlink" not in svg


def test_text_is_escaped_taken_literally_and_follows_the_page() -> None:
    svg = draw("a", 200, 100, paint)
    assert "&lt;script&gt; $x$ &amp; 喜び" in svg
    assert "<script" not in svg
    assert "var(--ink)" in svg
    assert INK not in svg


def test_labels_are_shortened_to_fit() -> None:
    assert shorten("frustrated", 10) == "frustrated"
    assert shorten("frustrated", 8) == "frustra…"


def test_a_distribution_by_hand() -> None:
    columns = [np.array([0.1, 0.2, 0.9, np.nan]), np.array([np.nan])]
    found = distribution(columns, np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(found, [[1 / 3, 0], [2 / 3, 0]])
