import io
import struct
import zlib

import pytest

from fedaffect.corpus.formats import mat_file
from fedaffect.errors import UserError


def element(content, order="<", compressed=True):
    body = struct.pack(f"{order}II", 14, len(content)) + content
    return struct.pack(f"{order}II", 15, len(z := zlib.compress(body))) + z if compressed else body


def header(order="<"):
    return mat_file.HEAD.ljust(124) + b"\x00\x01" + (b"IM" if order == "<" else b"MI")


@pytest.mark.parametrize("order", "<>")
def test_sizes_are_those_after_unpacking(order):
    content = header(order) + element(bytes(5000), order) + element(bytes(300), order, False)
    assert mat_file._unpacked(io.BytesIO(content)) == 5008 + 300


def test_what_would_fill_memory_is_refused_unread(tmp_path, monkeypatch):
    pytest.importorskip("scipy.io", reason="needs scipy: pip install 'fedaffect[signals]'")
    monkeypatch.setattr(mat_file, "MAXIMUM_BYTES", 10**6)
    file = tmp_path / "bomb.mat"
    file.write_bytes(header() + element(bytes(10**7)))
    assert file.stat().st_size < 20_000
    with pytest.raises(UserError, match=r"bomb\.mat: over 1000000 bytes unpacked"):
        mat_file.cells(file, ("joined_data",))
