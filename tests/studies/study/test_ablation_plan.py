"""The plan of a study whose rows are compared with the first: an ablation."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.runs.cache import Variant, digest
from fedaffect.runs.execute import resolved
from fedaffect.studies.study.entries import Study, of_rows
from fedaffect.studies.study.plan import load, load_all
from fedaffect.studies.study.selection import tuning_jobs

Write = Callable[..., Path]


def variants(study: Study) -> list[Variant]:
    """Of each row the only one."""
    return [entry.candidates[""] for entry in study.entries[""]]


def left(*studies: Study, only: Sequence[str] = ()) -> list[str]:
    """What is still to do."""
    return [job.title for job in tuning_jobs(of_rows(studies, only))]


def test_a_row_is_the_base_with_its_changes(ablation: Study, tmp_path: Path) -> None:
    asked = ["model.width=8", "rounds.count=1", "model.roles=false"]
    variant = variants(ablation)[1]
    assert variant.name == "no | roles"
    assert variant.experiment == resolved(Experiment.load("demo", asked))
    assert variant.folder == tmp_path / "out/cache" / digest(variant.experiment)


def test_a_run_has_a_seed_a_folder_and_the_command_that_repeats_it(ablation: Study) -> None:
    variant = variants(ablation)[1]
    last = variant.jobs(ablation.entries[""][1].seeds)[-1]
    assert (last.experiment.seed, last.folder.name, last.title) == (
        2,
        "seed-2",
        "no | roles seed 2",
    )
    words = shlex.split(last.command)
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert words[:3] == ["fedaffect", "run", "demo"]
    again = Experiment.load(words[2], [*settings, f"seed={words[words.index('--seed') + 1]}"])
    assert resolved(again) == last.experiment


def test_scenarios_stand_among_settings(write_ablation: Write, tmp_path: Path) -> None:
    """In those of all rows and in a row's own; the command that repeats a run has them too."""
    more = ["rounds.count=1", "scenario=speakers"]
    path = write_ablation(
        *('"rounds.count=1"]', f'"{more[0]}", "{more[1]}"]'),
        *('"no | roles" = ["model.roles=false"]', '"network" = ["scenario=unreliable-network"]'),
    )
    plain, network, _ = variants(load(path, tmp_path / "out"))
    assert plain.experiment.partition.name == network.experiment.partition.name == "person"
    assert (plain.experiment.conditions.late, network.experiment.conditions.late) == (0, 0.3)
    words = shlex.split(network.jobs(1)[0].command)
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert resolved(Experiment.load("demo", settings)) == network.experiment
    clash = write_ablation(
        '"no | roles" = ["model.roles=false"]', '"two" = ["scenario=dirichlet-0.3"]'
    )
    clash.write_text(clash.read_text().replace('count=1"', 'count=1", "scenario=speakers"'))
    with pytest.raises(UserError, match=r"row `two`: scenarios speakers and dirichlet-0.3 clash"):
        load(clash, tmp_path / "out")


def test_a_base_beside_the_file_and_other_seeds_and_data(
    write_ablation: Write, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("seed = 4\n[rounds]\ncount = 9\n")
    found = load(write_ablation('"demo"', '"mine.toml"'), tmp_path, seeds=2, data='a "corpus"')
    assert [job.experiment.seed for job in found.entries[""][0].all_jobs] == [4, 5]
    assert {v.experiment.data for v in variants(found)} == {'a "corpus"'}
    assert found.base == str(tmp_path / "mine.toml")


def test_every_row_s_first_seed_comes_before_any_second(ablation: Study) -> None:
    titles = left(ablation)
    assert titles[:4] == ["all seed 0", "no | roles seed 0", "alone seed 0", "all seed 1"]
    assert len(titles) == 9


def test_what_has_finished_and_what_another_file_asks_for_too_is_done_once(
    ablation: Study, write_ablation: Write, score: Callable[..., None], tmp_path: Path
) -> None:
    score(1, [0.5, 0.6])
    other = load(write_ablation('"alone" = ["model.encoders=intra"]', ""), tmp_path / "out")
    assert left(ablation, other) == [
        *("all seed 0", "alone seed 0", "all seed 1", "alone seed 1"),
        *("all seed 2", "no | roles seed 2", "alone seed 2"),
    ]


def test_a_changed_row_is_run_in_a_folder_of_its_own(
    ablation: Study, write_ablation: Write, score: Callable[..., None], tmp_path: Path
) -> None:
    score(2, [0.5, 0.6, 0.7])
    changed = load(write_ablation("encoders=intra", "encoders=inter"), tmp_path / "out")
    assert "alone seed 0" not in left(ablation)
    assert "alone seed 0" in left(changed)


def test_only_some_rows(ablation: Study) -> None:
    assert {title[:5] for title in left(ablation, only=["alone"])} == {"alone"}
    with pytest.raises(UserError, match=r"--only odd: no such row; there are: all, no \| roles"):
        left(ablation, only=["odd"])


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        (
            ("seeds = 3", "seedz = 3"),
            "seedz: no such setting; known here: base, columns, corpora, curve, name",
        ),
        (('title = "What parts are worth"', ""), "title: is missing"),
        (('"parts"', '"a/b"'), "name: String should match"),
        (("seeds = 3", "seeds = 0"), "seeds: Input should be greater than or equal to 1"),
        (('"demo"', '"dome"'), "row `all`: dome: no such preset; give a .toml file or one of"),
        (('"demo"', '"none.toml"'), "row `all`: .*none.toml: no such experiment file"),
        (('["model.encoders=intra"]', '"model.encoders=intra"'), "rows.alone: .* a valid list"),
        (("encoders=intra", "encoder=intra"), "row `alone`: model: encoder: no such setting"),
        (("encoders=intra", "encoders=solo"), "row `alone`: model: encoders: .*'solo'"),
        (("model.encoders=intra", "rounds"), "row `alone`: --set rounds: write it as"),
        (("encoders=intra", "roles=false"), r"rows `no \| roles` and `alone` are the same"),
        (("[rows]", "[rows"), "not valid TOML"),
    ],
)
def test_one_line_names_file_field_and_cure(
    replaced: tuple[str, ...], message: str, write_ablation: Write, tmp_path: Path
) -> None:
    path = write_ablation(*replaced)
    with pytest.raises(UserError, match=message) as caught:
        load(path, tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_no_rows_no_file_no_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent.toml: no such study; ablations/README"):
        load(tmp_path / "absent.toml", tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes("title = 'ä'".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin.toml: not UTF-8"):
        load(path, tmp_path)
    path.write_text('name = "a"\ntitle = "b"\nbase = "demo"\n[rows]\n')
    with pytest.raises(UserError, match=r"latin.toml: rows: "):
        load(path, tmp_path)


def test_two_files_of_one_name_would_write_the_same_results(
    write_ablation: Write, tmp_path: Path
) -> None:
    paths = [write_ablation(), write_ablation(name="copy.toml")]
    with pytest.raises(UserError, match=r"copy.toml: name: another FILE writes `parts.md` too"):
        load_all(paths, tmp_path)


def test_the_ablations_of_this_repository_are_sound(tmp_path: Path) -> None:
    files = sorted((Path(__file__).parents[3] / "ablations").glob("*.toml"))
    assert files
    for ablation in load_all(files, tmp_path):
        assert all(entry.seeds >= 3 for entry in ablation.entries[""])


def test_the_name_of_a_row_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "bad"\ntitle = "Bad"\nbase = "demo"\n[rows]\n"a\\nb" = []\n')
    with pytest.raises(UserError, match=r"bad\.toml: rows"):
        load(path, tmp_path / "out")
