from pathlib import Path

import pytest

from fedaffect.errors import UserError
from fedaffect.record.files import write_text


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "one\n")
    write_text(path, "zwei: ü\n")
    assert path.read_bytes() == "zwei: ü\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "one")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/a\.json: cannot be written: Not a directory"):
        write_text(tmp_path / "file" / "a.json", "one")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="folder: cannot be written"):
        write_text(tmp_path / "folder", "one")
    assert {p.name for p in tmp_path.iterdir()} == {"file", "folder"}
