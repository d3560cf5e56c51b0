import numpy as np

from fedaffect.studies.compare.per_client import SELECTION, ByClient, Gains, Pair
from fedaffect.studies.plots.gains import gains

BOTH, NEVER = SELECTION[True, True], SELECTION[True, False]


def pair(client: int, base: float, run: float, selection: str = BOTH, kind: str = "") -> Pair:
    return Pair(0, client, f"client-{client}", 10, kind, selection, base, run)


def found(*pairs: Pair) -> ByClient:
    group = Gains("all", 3, 10.0, -0.1, None, None, None, 2, 1, -0.4)
    return ByClient("run", "base", (group,), pairs, ())


def test_groups_have_marks_and_the_words_tell_the_same() -> None:
    drawing = gains("personal", found(pair(0, 0.6, 0.7), pair(1, 0.6, 0.2, NEVER)))
    assert drawing is not None
    assert drawing.description == (
        "Weighted F1 (personal) of 2 pairs of clients, run against base. all: 2 gain, 1 lose, on average "
        "-0.100. Least: client-1 of seed 0, 0.600 to 0.200."
    )
    for words in ("weighted F1 in base", "weighted F1 in run", BOTH, NEVER, "gains", "loses"):
        assert f">{words}<" in drawing.svg
    assert "#1a6fd4" in drawing.svg
    assert "#009e73" in drawing.svg


def test_kinds_are_told_apart_where_all_were_selected() -> None:
    drawing = gains("local", found(pair(0, 0.6, 0.7, kind="width=8"), pair(1, 0.6, 0.2, kind="x")))
    assert drawing is not None
    assert ">width=8<" in drawing.svg


def test_one_group_needs_no_legend_and_none_no_picture() -> None:
    drawing = gains("local", found(pair(0, 0.6, 0.6)))
    assert drawing is not None
    assert ">all<" not in drawing.svg
    assert gains("local", found()) is None


def test_thousands_of_clients_are_one_image() -> None:
    scores = np.random.default_rng(0).random((3000, 2))
    drawing = gains("local", found(*(pair(i, *map(float, row)) for i, row in enumerate(scores))))
    assert drawing is not None
    assert "data:image/png" in drawing.svg
    assert len(drawing.svg) < 100_000
