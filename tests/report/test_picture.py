import re
from pathlib import Path

from matplotlib.axes import Axes

from fedaffect.report.picture import Picture


def paint(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1])
    axes.annotate("a <note>", (0.5, 0.5))


def test_files_that_open_anywhere_and_are_the_same_each_time(tmp_path: Path) -> None:
    Picture(200, 100, paint).save(tmp_path, "line")
    svg, png = ((tmp_path / f"line.{kind}").read_bytes() for kind in ("svg", "png"))
    Picture(200, 100, paint).save(tmp_path, "line")
    assert (tmp_path / "line.svg").read_bytes() == svg
    assert (tmp_path / "line.png").read_bytes() == png
    assert {path.name for path in tmp_path.iterdir()} == {"line.svg", "line.png"}
    text = svg.decode()
    assert "a &lt;note&gt;" in text
    assert "var(--" not in text
    assert "#1c2333" in text
    assert not re.search("#0[1-4]0[1-4]0[1-4]", text)  # stand-ins are for pages alone
    assert b"matplotlib" not in png.lower()
