import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment
from fedaffect.record.history import History
from fedaffect.report.report import (
    changed_settings,
    class_scores,
    client_rows,
    feed,
    page,
    write_report,
)

MakeRun = Callable[..., Path]
HOSTILE = ('<script>alert("1")</script>', "$x$", "_hidden")


class Page(HTMLParser):
    """Tags, references and texts of a page; complains about tags that do not close."""

    VOID = frozenset({"meta", "br", "img", "link", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(folder: Path) -> Page:
    return Page(write_report(folder).read_text("utf-8"))


def test_the_page_asks_nobody_for_anything(make_run: MakeRun) -> None:
    html = write_report(make_run(clients=20, rounds=20)).read_text("utf-8")
    assert not re.search(r"(?i)https?://|url\((?!#)|@import", html)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'content="{policy}"' in html
    page = Page(html)
    for tag, attributes in page.tags:
        for name in ("src", "href"):
            reference = attributes.get(name) or ""
            assert reference == "" or reference.startswith(("#", "data:")), (tag, reference)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert len(html) < 3_000_000


def test_the_page_says_what_the_run_is_worth(make_run: MakeRun) -> None:
    folder = make_run()
    page, history = read(folder), History.read(folder)
    assert history.finish is not None
    test = history.finish["test"]["global"]
    assert f"{test['weighted_f1']:.3f}" in page.text
    assert f"{test['interval'][0]:.3f} to {test['interval'][1]:.3f}" in page.text
    assert "the shared model on the whole test set" in page.text
    assert "Synthetic corpus" in page.text
    assert "Never selected, so the model was never trained on their data: client-00." in page.text
    assert "No text, no audio and no video left a client" in page.text
    assert "fedaffect run demo --out runs/demo" in page.text
    assert "client-01: no update: late by 14 s" in page.text


def test_a_real_recorded_corpus_has_no_warning_label(make_run: MakeRun) -> None:
    page = read(make_run(synthetic=False))
    assert "Synthetic" not in page.text
    assert "Pairing" not in page.text


def test_label_matched_pairing_is_said_loudly(make_run: MakeRun) -> None:
    assert "No fused figure here may be read" in read(make_run(pairing="label-matched")).text


def test_an_unfinished_run_says_so_and_shows_what_there_is(make_run: MakeRun) -> None:
    for rounds in (0, 3):
        page = read(
            make_run(f"run-{rounds}", rounds=rounds, finished=False, settings=("rounds.count=9",))
        )
        assert "This run has not finished." in page.text
        assert f"after {rounds} rounds of 9" in page.text
        assert "test weighted F1" in page.text  # the table, with dashes
        assert "calibration" not in page.text


def test_every_name_from_outside_is_escaped(make_run: MakeRun) -> None:
    page = read(make_run(classes=HOSTILE, client_name='"><img src=x onerror=1>{}'))
    assert {"script", "img"}.isdisjoint(tag for tag, _ in page.tags)
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert '<script>alert("1")</script>' in page.text
    assert "$x$" in page.text
    assert "_hidden" in page.text


def test_pictures_have_words_tables_have_scopes_ids_are_unique(make_run: MakeRun) -> None:
    page = read(make_run())
    pictures = [a for _, a in page.tags if a.get("role") == "img"]
    assert len([a for t, a in page.tags if t == "svg"]) == 8
    assert all(a.get("aria-label") for a in pictures)
    assert all(a.get("scope") in ("row", "col") for t, a in page.tags if t == "th")
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_same_run_gives_the_same_page(make_run: MakeRun) -> None:
    folder = make_run()
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first


def test_client_rows_of_finished_and_unfinished_runs(make_run: MakeRun) -> None:
    rows = client_rows(History.read(make_run("a")))
    assert [row.selected for row in rows] == [0, 5, 5, 5]
    assert rows[1].local is None
    assert rows[1].bytes_up == 4 * 2_450_000
    unfinished = client_rows(History.read(make_run("b", finished=False)))
    assert [row.selected for row in unfinished] == [0, 5, 5, 5]
    assert all(row.personal is None for row in unfinished)


def test_settings_are_listed_where_they_differ() -> None:
    experiment = Experiment().with_settings(
        ("rounds.count=7", "algorithm.name=fedmpd", "algorithm.exchange=both")
    )
    assert changed_settings(experiment.model_dump()) == [
        ("algorithm.name", "fedmpd", "fedavg"),
        ("algorithm.exchange", "both", "–"),
        ("rounds.count", 7, 20),
    ]


def test_seeds_have_a_page_that_leads_to_each(make_run: MakeRun) -> None:
    many = make_run("many/seed-0").parent
    make_run("many/seed-1", seed=1, gain=0.05)
    page = read(many)
    links = [a["href"] for t, a in page.tags if t == "a"]
    assert links == ["seed-0/report.html", "seed-1/report.html"]
    assert "sd over seeds" in page.text


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give the folder of a run"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_items_of_a_class_are_counted_once_however_many_models(make_run: MakeRun) -> None:
    shared = History.read(make_run("shared"))
    own = History.read(make_run("own", modes=("local", "personal")))
    confusion = np.array(own.finish["confusion"])
    assert [row[1] for row in class_scores(own)] == (confusion.sum(axis=1) // 4).tolist()
    assert [row[1] for row in class_scores(shared)] == confusion.sum(axis=1).tolist()
    together = "all clients&#39; models together"
    assert together in page(make_run("again", modes=("local", "personal")))
    assert together not in page(make_run("once"))


def test_a_page_says_what_was_not_recorded(make_run: MakeRun) -> None:
    rounds = read(make_run("rounds", record="rounds"))
    assert "Not recorded: rounds.record is `rounds`." in rounds.text
    assert "up: everything" in write_report(make_run("bytes", record="rounds")).read_text("utf-8")
    ends = read(make_run("ends", record="ends"))
    assert "Not recorded: rounds.record is `ends`." in ends.text
    assert "No round has been evaluated" not in ends.text
    left = read(make_run("left", record="ends", finished=False))
    assert "How far it has come is not recorded" in left.text
    for found in (rounds, ends, left):
        assert " 0 B" not in found.text
    rows = client_rows(History.read(make_run("rows", record="ends", finished=False)))
    assert {(row.selected, row.bytes_up) for row in rows} == {(None, None)}


def test_a_page_of_thousands_of_clients_can_still_be_opened(make_run: MakeRun) -> None:
    html = page(make_run(clients=3000, rounds=3))
    assert len(html) < 300_000
    assert "and 2\u202f800 more" in html
    assert "Distribution of the clients" in html


def test_the_feed_tells_of_rounds_before_it_tells_of_clients(make_run: MakeRun) -> None:
    lines = feed(History.read(make_run(clients=600, rounds=3)))
    assert len([line for _, line, _ in lines if line.startswith("Hub: round")]) == 6
    assert len(lines) <= 400
    assert lines[0][1] == "Hub: finished after 3 rounds"
    assert lines[-1][1].startswith("Hub: run demo initiated")
