from typer.testing import CliRunner

from fedaffect.cli.main import app


def test_predictions_go_into_csv_or_json() -> None:
    done = CliRunner().invoke(app, ["predict", "run", "--data", "corpus", "--out", "p.txt"])
    assert str(done.exception) == (
        "p.txt: predictions are written as .csv or .json; name such a file"
    )
