import zipfile

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.importing import recordings

BEGIN = 1_495_437_325.0


def table(rate, samples, begin=BEGIN, columns=1):
    rows = [[begin] * columns, [rate] * columns, *np.reshape(samples, (-1, columns)).tolist()]
    return "\n".join(", ".join(f"{value:.6f}" for value in row) for row in rows) + "\n"


@pytest.fixture
def tables():
    return {
        "EDA.csv": table(4, [0.5, 0.25, 0.75, 1], BEGIN + 1),
        "BVP.csv": table(64, np.arange(128)),
        "TEMP.csv": table(4, [32.5] * 8),
        "ACC.csv": table(32, [[64, 0, 0], [0, 48, 64]], columns=3),
        "HR.csv": table(1, [70, 71], BEGIN + 10),
        "IBI.csv": f"{BEGIN:.6f}, IBI\n1.5,0.8125\n2.25,0.75\n",
        "tags.csv": f"{BEGIN + 1.5:.2f}\n",
        "info.txt": "EDA.csv\n",
    }


@pytest.fixture(params=["folder", "zip"])
def place(request, tables, tmp_path):
    def write():
        if request.param == "zip":
            file = tmp_path / "S2_E4_Data.zip"
            with zipfile.ZipFile(file, "w") as archive:
                for name, text in tables.items():
                    archive.writestr(name, text)
            return file
        folder = tmp_path / "S2_E4_Data"
        folder.mkdir(exist_ok=True)
        for name, text in tables.items():
            (folder / name).write_text(text)
        return folder

    return write


def one(place):
    (recording,) = recordings(place)
    return recording


def test_by_hand(place):
    recording = one(place())
    assert recording.person == "S2"
    assert recording.name == "S2_E4_Data"
    assert {s: (x.rate, x.start, x.unit) for s, x in recording.streams.items()} == {
        "eda": (4, 1, "µS"),
        "motion": (32, 0, "g"),
        "pulse": (64, 0, ""),
        "temperature": (4, 0, "°C"),
    }
    assert recording.streams["eda"].samples.tolist() == [0.5, 0.25, 0.75, 1]
    assert recording.streams["motion"].samples.tolist() == [1, 1.25]
    assert recording.streams["pulse"].samples.tolist() == list(range(128))
    assert recording.marks["beat"].time.tolist() == [1.5, 2.25]
    assert recording.marks["beat"].value.tolist() == [0.8125, 0.75]
    assert recording.marks["tag"].time.tolist() == [1.5]
    assert recording.spans == ()
    assert recording.files


def test_labels_in_seconds_or_in_unix_time(place, tables):
    tables["labels.csv"] = f"start,end,label\n{BEGIN + 60},{BEGIN + 90},stress \n0,59.5,calm\n"
    spans = one(place()).spans
    assert [(s.start, s.end, s.label) for s in spans] == [(0, 59.5, "calm"), (60, 90, "stress")]


@pytest.mark.parametrize("empty", ["", "\n"])
def test_empty_tables_are_missing_ones(place, tables, empty):
    tables |= {"EDA.csv": empty, "tags.csv": empty, "IBI.csv": f"{BEGIN:.6f}, IBI\n"}
    recording = one(place())
    assert [*recording.streams] == ["motion", "pulse", "temperature"]
    assert "tag" not in recording.marks
    assert not len(recording.marks["beat"].time)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("EDA.csv", "1495437325.0\n4.0\n", r"EDA\.csv: not a line of Unix time, a line of Hz"),
        ("EDA.csv", "nan\n4.0\n1\n", r"EDA\.csv: not a line of Unix time"),
        ("EDA.csv", table(0, [1, 2]), r"EDA\.csv: rate 0 Hz: give one of"),
        ("EDA.csv", table(4, [1, 2], BEGIN + 1e7), r"EDA\.csv: 1e\+07 s to .* are read; split it"),
        ("EDA.csv", table(4, [1, 2]) + "x\n", r"EDA\.csv: no table of numbers \(could not conv"),
        ("EDA.csv", table(4, [1, 2]) + "1,2\n", r"EDA\.csv: no table of numbers"),
        ("EDA.csv", "\udcff\udcfe", r"EDA\.csv: no table of numbers"),
        ("EDA.csv", table(4, [1, 2], columns=2), r"EDA\.csv: \[1, 2\] instead of numbers"),
        ("ACC.csv", table(32, [1, 2]), r"ACC\.csv: \[2, 1\] instead of numbers \[time, 3\]"),
        ("IBI.csv", "IBI\n1,2\n", r"IBI\.csv: no table of numbers"),
        ("IBI.csv", f"{BEGIN},IBI\n1,2,3\n", r"IBI\.csv: 3 columns instead of 2"),
        ("tags.csv", "now\n", r"tags\.csv: no table of numbers"),
        ("labels.csv", "begin,end,label\n", r"labels\.csv: line 1 is not `start,end,label`"),
        ("labels.csv", "start,end,label\n1,2\n", r"line 2: not two times and a label"),
        ("labels.csv", "start,end,label\n1,2,\n", r"line 2: not two times and a label"),
        ("labels.csv", "start,end,label\n1,nan,x\n", r"line 2: not two times and a label"),
        ("labels.csv", 'start,end,label\n1,2,"x\n', r"labels\.csv: no CSV in UTF-8"),
        ("labels.csv", "start,end,label\n0,9,a\n5,10,b\n", r"S2_E4_Data: label `b` .* overlaps"),
    ],
)
def test_tables_that_are_none(place, tables, name, text, message):
    tables[name] = (
        text.encode("utf-8", "surrogateescape").decode("latin-1") if "\udcff" in text else text
    )
    with pytest.raises(UserError, match=message) as raised:
        one(place())
    assert "\n" not in str(raised.value)


def test_an_export_without_a_sensor(tmp_path):
    for name, message in {"EDA.csv": "none of EDA.csv, ACC.csv", "a.txt": "no recording"}.items():
        file = tmp_path / "empty.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, "")
        with pytest.raises(UserError, match=rf"empty\.zip: {message}"):
            one(file)


def test_too_large_a_table_is_not_opened(place, monkeypatch):
    monkeypatch.setattr("fedaffect.importing.readers.e4.MAXIMUM_BYTES", 20)
    with pytest.raises(UserError, match=r"EDA\.csv: \d+ bytes; at most 20 are read; split"):
        one(place())


def test_a_damaged_zip(tables, tmp_path):
    file = tmp_path / "S2.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in tables.items():
            archive.writestr(name, text)
    content = bytearray(file.read_bytes())
    content[35:60] = bytes(25)
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"EDA\.csv: truncated or damaged zip"):
        one(file)
