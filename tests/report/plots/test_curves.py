from fedaffect.report.plots.curves import dev_curves


def test_every_run_has_its_line_its_name_and_its_colour() -> None:
    curves = {"a": ([1, 2], [0.2, 0.4]), "c": ([1, 2], [0.3, 0.4]), "none": ([], [])}
    drawing = dev_curves("global", curves, ["a", "b", "c", "none"])
    assert drawing is not None
    assert [name for name, _ in drawing.legend] == ["a", "c"]
    assert [colour for _, colour in drawing.legend] == ["#1a6fd4", "#009e73"]
    assert drawing.description == (
        "Dev weighted F1 by round (global): a: 0.200 at first, 0.400 at last; "
        "c: 0.300 at first, 0.400 at last."
    )
    assert "stroke-dasharray" in drawing.svg


def test_nothing_recorded_is_no_picture() -> None:
    assert dev_curves("global", {"a": ([], [])}, ["a"]) is None
