import zipfile

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.features.body import Recording
from fedaffect.importing import Options, RecordingReader, Source, recordings
from fedaffect.registry import find

BEGIN = "1495437325.0\n4.0\n"


def export(folder):
    folder.mkdir(parents=True)
    (folder / "EDA.csv").write_text(BEGIN + "1\n2\n")


def subject(pickles, file, name):
    file.parent.mkdir(parents=True, exist_ok=True)
    wrist = {"EDA": np.ones((40, 1))}
    content = {"subject": name, "label": np.ones(7000, int), "signal": {"wrist": wrist}}
    return pickles.write(file, content)


def recognising(place):
    """Which readers of recordings recognise a place."""
    readers = {name: find("reader", name)() for name in ("amigos", "deap", "e4", "wesad")}
    return [name for name, reader in readers.items() if reader.recognises(Source(place))]


def persons(place):
    return [recording.person for recording in recordings(place)]


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
    cut = (tmp_path / "S1.pkl").read_bytes()[:-20]
    for content, message in {
        cut: "truncated or damaged",
        b"\x80damaged": "not of the format of the first recording; fetch it again",
    }.items():
        (tmp_path / "S2.pkl").write_bytes(content)
        came = recordings(tmp_path)
        assert next(came).person == "S1"
        with pytest.raises(UserError, match=rf"S2\.pkl: {message}"):
            next(came)


def test_one_file(pickles, tmp_path):
    assert persons(subject(pickles, tmp_path / "anything.bin", "S5")) == ["S5"]


@pytest.mark.parametrize("place", [".", "missing.pkl", "a"])
def test_nothing_to_read(place, tmp_path):
    (tmp_path / "a" / "b" / "c" / "d").mkdir(parents=True)
    export(tmp_path / "a" / "b" / "c" / "d" / "e")  # deeper than it looks
    with pytest.raises(UserError, match=r"recordings of body signals \(docs|no such file"):
        persons(tmp_path / place if place != "." else tmp_path)


def test_a_pickle_of_something_else(pickles, tmp_path):
    for content, message in [
        ({"train": 1}, "no recording of body signals; give one, or a folder of them"),
        ({"label": 1}, "no dictionary of subject, signal and label; give WESAD's own"),
        ({"labels": 1}, "no dictionary of data and labels; give DEAP's own"),
    ]:
        file = pickles.write(tmp_path / "x.pkl", content)
        with pytest.raises(UserError, match=rf"x\.pkl: {message}"):
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
    expected = {file: "wesad", damaged: "wesad", tmp_path / "wesad": "wesad", deap: "deap"}
    expected |= {
        tmp_path / "week": "e4",
        tmp_path / "ann.zip": "e4",
        tmp_path / "P01.mat": "amigos",
    }
    assert {place: recognising(place) for place in expected} == {
        place: [reader] for place, reader in expected.items()
    }


def test_zips_beside_folders_are_read_too_and_what_was_unpacked_only_once(tmp_path):
    for name in ("P1", "P2"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("EDA.csv", BEGIN + "1\n2\n")
    for name in ("P2", "P3"):
        export(tmp_path / name)
    assert persons(tmp_path) == ["P1", "P2", "P3"]


class Edf(RecordingReader):
    endings = (".edf",)

    def holds(self, source):
        return source.head == b"edf"

    def recordings(self, source, options):
        yield Recording(source.name, source.name, {})


def test_a_reader_of_ones_own_finds_its_files_in_a_folder(tmp_path):
    for name in ("b.edf", "a.edf", "notes.txt"):
        (tmp_path / name).write_bytes(b"edf")
    source = Source(tmp_path)
    assert Edf().recognises(source)
    assert [r.person for r in Edf().all_recordings(source, Options())] == ["a", "b"]


def test_a_folder_holds_recordings_of_one_format(pickles, tmp_path):
    subject(pickles, tmp_path / "S1.pkl", "S1")
    pickles.write(tmp_path / "S2.pkl", {"labels": [1], "data": [2]})
    with pytest.raises(UserError, match=r"S2\.pkl: not of the format of the first recording"):
        persons(tmp_path)


def test_what_are_no_recordings(pickles, tmp_path):
    np.savez(tmp_path / "talk.npz", text=np.ones(3))
    (tmp_path / "table.csv").write_text("person,label\n")
    (tmp_path / "images" / "train" / "happy").mkdir(parents=True)
    (tmp_path / "images" / "train" / "happy" / "1.png").write_bytes(b"png")
    pickles.write(tmp_path / "m3net.pkl", [{"Ses01": ["F"]}])
    (tmp_path / "empty").mkdir()
    pickles.write(tmp_path / "empty" / "mmsa.pkl", {"train": {}, "valid": {}})
    for place in tmp_path.iterdir():
        assert recognising(place) == [], place
