import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.runs.execute import resolved
from fedaffect.studies.study.entries import Entry, Study, of_rows
from fedaffect.studies.study.plan import load

Write = Callable[..., Path]
README = Path(__file__).parents[3] / "tables" / "README.md"


def test_a_candidate_is_the_base_with_all_changes_in_order(table: Study) -> None:
    _, tuned, _ = table.entries["text"]
    only_text = ['features.modalities=["text"]', 'model.modality_order=["text"]']
    asked = ["model.width=8", "rounds.count=1", "algorithm.name=centralised", *only_text]
    own = ["model.roles=false", "training.learning_rate=1e-2"]
    assert tuned.candidates["fast"].experiment == resolved(Experiment.load("demo", [*asked, *own]))
    assert tuned.own_settings("fast") == tuple(own)
    assert tuned.candidates["fast"].jobs(1)[0].title == "tuned & more (fast) text seed 0"


def test_a_row_without_candidates_has_one(talk: tuple[Entry, ...]) -> None:
    assert list(talk[0].candidates) == [""]
    assert talk[0].candidates[""].name == "plain talk"
    assert (talk[0].seeds, talk[0].first_seeds) == (2, 2)


def test_a_row_s_seeds_come_before_the_table_s_and_those_asked_for_before_both(
    write: Write, talk: tuple[Entry, ...], tmp_path: Path
) -> None:
    assert [(e.seeds, e.first_seeds) for e in talk] == [(2, 2), (3, 1), (2, 2)]
    asked = load(write(), tmp_path, seeds=5).entries["talk"]
    assert [(e.seeds, e.first_seeds) for e in asked] == [(5, 5), (5, 1), (5, 5)]


def test_only_some_corpora_and_rows(write: Write, tmp_path: Path) -> None:
    table = load(write(), tmp_path, corpora=["text"])
    assert list(table.entries) == ["text"]
    assert [entry.row for entry in of_rows([table], ["alone"])] == ["alone"]
    with pytest.raises(UserError, match="--corpus tax: no such corpus; there are: talk, text"):
        load(write(), tmp_path, corpora=["tax"])
    with pytest.raises(
        UserError, match="--only odd: no such row; there are: plain, tuned & more, alone"
    ):
        of_rows([table], ["odd"])


def test_a_row_may_be_of_some_corpora_only(write: Write, tmp_path: Path) -> None:
    table = load(write("[rows.alone]", "[rows.alone]\ncorpora=['text']"), tmp_path)
    rows = {corpus: [e.row for e in entries] for corpus, entries in table.entries.items()}
    assert rows == {"talk": ["plain", "tuned & more"], "text": ["plain", "tuned & more", "alone"]}


def test_a_corpus_without_a_row_is_refused(write: Write, tmp_path: Path) -> None:
    only = ["[rows.plain]", "[rows.plain]\ncorpora=['text']"]
    only += ["[rows.alone]", "[rows.alone]\ncorpora=['text']"]
    only += ["seeds = 3", "seeds = 3\ncorpora=['text']"]
    with pytest.raises(UserError, match=r"corpora.talk: no row is run on it; leave it out"):
        load(write(*only), tmp_path)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        (
            ("seeds = 2", "seedz = 2"),
            "seedz: no such setting; known here: base, columns, corpora, curve, name",
        ),
        (("seeds = 3", "seedz = 3"), r"rows.tuned & more.seedz: no such setting"),
        (('"models"', '"a/b"'), "name: String should match"),
        (("talk = []", '"a/b" = []'), "corpora.*: String should match"),
        (
            ('["calm", "joy"]', '["joy", "joy"]'),
            "pairs: `joy` is there with itself; name two classes",
        ),
        (('["calm", "joy"]', '["joy"]'), "pairs.0.*: "),
        (('"demo"', '"dome"'), "row `plain`: dome: no such preset; give a .toml file or one of"),
        (
            ("roles=false", "rolls=false"),
            "row `tuned & more`: candidate `slow`: model: rolls: no such",
        ),
        (("=1e-2", "=1e-3"), "candidate `fast`: the same experiment as `slow`; leave one out"),
        (
            ("training.learning_rate=1e-2", "algorithm.name=local"),
            "candidate `fast`: is evaluated as `local`, `slow` as `global`: dev cannot choose",
        ),
        (
            ("model.roles=false", "data=other"),
            r"row `tuned & more`: data: another corpus \(other\)",
        ),
        (("[rows.plain]", "[rows.plain"), "not valid TOML"),
        (("[rows.alone]", "[rows.alone]\ncorpora=['tax']"), "rows.alone.corpora: `tax` is not in"),
    ],
)
def test_one_line_names_file_field_and_cure(
    replaced: tuple[str, ...], message: str, write: Write, tmp_path: Path
) -> None:
    path = write(*replaced)
    with pytest.raises(UserError, match=message) as caught:
        load(path, tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_at_most_six_candidates(write: Write, tmp_path: Path) -> None:
    many = "\n".join(f'"c{n}" = ["training.learning_rate={n}e-3"]' for n in range(1, 8))
    path = write('"slow" = ["training.learning_rate=1e-3"]', many)
    with pytest.raises(UserError, match=r"rows.tuned & more.candidates: .* at most 6 items"):
        load(path, tmp_path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"absent.toml: no such study; ablations/README.md and tables/README.md"
    ):
        load(tmp_path / "absent.toml", tmp_path)


def test_the_tables_of_this_repository_are_sound(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    (tmp_path / "example.toml").write_text(example)
    for path in (tmp_path / "example.toml", *sorted(README.parent.glob("*.toml"))):
        assert tomllib.loads(path.read_text("utf-8"))["name"] == load(path, tmp_path).name
