import zipfile

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.importing.recordings import are_recordings, read

BEGIN = "1495437325.0\n4.0\n"


def export(folder):
    folder.mkdir(parents=True)
    (folder / "EDA.csv").write_text(BEGIN + "1\n2\n")


def subject(pickles, file, name):
    file.parent.mkdir(parents=True, exist_ok=True)
    wrist = {"EDA": np.ones((40, 1))}
    content = {"subject": name, "label": np.ones(7000, int), "signal": {"wrist": wrist}}
    return pickles.write(file, content)


def persons(place):
    return [recording.person for recording in read(place)]


def test_folders_in_the_order_of_their_numbers(tmp_path):
    for name in ("S10", "S2", "S3_E4_Data"):
        export(tmp_path / "week" / name)
    assert persons(tmp_path) == ["S2", "S3", "S10"]


def test_where_there_are_pickles_what_lies_beside_is_not_read_again(pickles, tmp_path):
    for name in ("S11", "S2"):
        subject(pickles, tmp_path / name / f"{name}.pkl", name)
        export(tmp_path / name / f"{name}_E4_Data")
        (tmp_path / name / f"{name}_E4_Data.zip").write_bytes(b"PK")
        (tmp_path / name / f"{name}_readme.txt").write_text("age 27")
    assert persons(tmp_path) == ["S2", "S11"]


def test_recordings_are_read_when_they_are_asked_for(pickles, tmp_path):
    subject(pickles, tmp_path / "S1.pkl", "S1")
    (tmp_path / "S2.pkl").write_bytes(b"\x80damaged")
    came = read(tmp_path)
    assert next(came).person == "S1"
    with pytest.raises(UserError, match=r"S2\.pkl: truncated or damaged"):
        next(came)


def test_one_file(pickles, tmp_path):
    assert persons(subject(pickles, tmp_path / "anything.bin", "S5")) == ["S5"]


@pytest.mark.parametrize("place", [".", "missing.pkl", "a"])
def test_nothing_to_read(place, tmp_path):
    (tmp_path / "a" / "b" / "c" / "d").mkdir(parents=True)
    export(tmp_path / "a" / "b" / "c" / "d" / "e")  # deeper than it looks
    with pytest.raises(UserError, match=r"no recording; give a WESAD or DEAP pickle"):
        persons(tmp_path / place if place != "." else tmp_path)


def test_a_pickle_of_something_else(pickles, tmp_path):
    file = pickles.write(tmp_path / "x.pkl", {"train": 1})
    with pytest.raises(UserError, match=r"x\.pkl: a pickle of neither WESAD nor DEAP"):
        persons(file)


def test_code_in_a_pickle_is_refused(pickles, tmp_path):
    file = pickles.write(tmp_path / "x.pkl", {"subject": pickles.Calls(print, "hello")})
    with pytest.raises(UserError, match=r"x\.pkl: refused: it asks for"):
        persons(file)


def test_recordings_are_told_from_other_corpora(pickles, tmp_path):
    """By what they begin with: the pickle of a subject may be of a gigabyte."""
    file = subject(pickles, tmp_path / "wesad" / "S2" / "S2.pkl", "S2")
    damaged = tmp_path / "damaged"
    damaged.write_bytes(file.read_bytes()[:200])
    export(tmp_path / "week" / "ann")
    with zipfile.ZipFile(tmp_path / "ann.zip", "w") as archive:
        archive.writestr("EDA.csv", BEGIN + "1\n2\n")
    (tmp_path / "P01.mat").write_bytes(b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(99))
    deap = pickles.write_python2(tmp_path / "s01.dat", {"labels": [1], "data": [2]})
    recordings = [file, damaged, tmp_path / "wesad", tmp_path / "week", tmp_path / "ann.zip", deap]
    for place in (*recordings, tmp_path / "P01.mat"):
        assert are_recordings(place), place


def test_what_are_no_recordings(pickles, tmp_path):
    np.savez(tmp_path / "talk.npz", text=np.ones(3))
    (tmp_path / "table.csv").write_text("person,label\n")
    (tmp_path / "images" / "train" / "happy").mkdir(parents=True)
    (tmp_path / "images" / "train" / "happy" / "1.png").write_bytes(b"png")
    pickles.write(tmp_path / "m3net.pkl", [{"Ses01": ["F"]}])
    (tmp_path / "empty").mkdir()
    pickles.write(tmp_path / "empty" / "mmsa.pkl", {"train": {}, "valid": {}})
    for place in [*tmp_path.iterdir(), tmp_path / "gone"]:
        assert not are_recordings(place), place
