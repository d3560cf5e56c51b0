"""The reader of docs/how-to/own-reader.md: its code as it stands there, on the command line."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs/how-to"
PAGE = (FOLDER / "own-reader.md").read_text()
ASKED = ("data", "import", "calls.json", "--reader", "mine:Calls", "--out", "data/calls")


def block(language):
    return PAGE.split(f"```{language}\n")[1].split("```")[0]


@pytest.fixture
def written(place):
    (place / "mine.py").write_text(block("python"))
    (place / "calls.json").write_text(block("json"))
    return place


def test_it_is_short():
    assert len(block("python").splitlines()) <= 30


def test_it_reads_as_the_page_says(written):
    assert f"fedaffect {' '.join(ASKED)}\n" in PAGE
    said = written.ok(*ASKED)
    assert said.startswith("data/calls: 3 utterances in 2 conversations\nread as calls\n")
    corpus = json.loads(written.ok("data", "describe", "data/calls", "--json"))
    assert (corpus["name"], corpus["classes"], corpus["persons"]) == ("calls", ["calm", "tense"], 3)
    assert corpus["modalities"]["audio"]["present"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"calls": [', r"calls\.json: no JSON; export it again"),
        (
            block("json").replace('"cem"', '""'),
            r"calls\.json: line 3: person: empty; mend the cell",
        ),
        (
            '{"talks": []}',
            r"calls\.json: not what the reader `mine:Calls` reads; leave --reader out",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(content, complaint, written, match, untouched):
    (written / "calls.json").write_text(content)
    untouched()
    match(complaint, written(*ASKED).complaint)


def test_options_that_it_does_not_take_are_refused(written, match):
    match(r"calls\.json: --window: only for recordings", written(*ASKED, "--window", "9").complaint)


@pytest.mark.parametrize(
    ("reader", "complaint"),
    [
        ("mmsaa", r"--reader: no reader `mmsaa`; did you mean `mmsa`\? Known: amigos, "),
        ("mine:Other", r"--reader: `mine:Other` names no single reader: a class with recognises"),
        ("yours:Calls", r"--reader: cannot import `yours`"),
        ("json:JSONDecoder", r"--reader: `json:JSONDecoder` names no single reader"),
        ("manifest", r"calls\.json: not what the reader `manifest` reads"),
    ],
)
def test_another_reader_is_explained(reader, complaint, written, match):
    (written / "calls.json").write_bytes(b"\x00")
    match(complaint, written(*ASKED[:4], reader, *ASKED[5:]).complaint)


def test_the_help_lists_readers(place):
    said = " ".join(place.ok("data", "import", "--help").split())
    assert "Readers: amigos, conversation_pickle, deap, e4," in said


def test_what_the_page_points_to_is_there():
    links = [part.split(")")[0].partition("#")[0] for part in PAGE.split("](")[1:]]
    assert links
    assert [link for link in links if not (FOLDER / link).exists()] == []
