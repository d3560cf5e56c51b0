import io

import numpy as np
import pytest

from fedaffect.corpus.formats import numpy_file
from fedaffect.errors import UserError


def stored(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "i4", "u1"])
def test_a_vector_of_any_number_is_read(dtype, tmp_path):
    np.save(tmp_path / "x.npy", np.array([1, 2, 3], dtype))
    vector = numpy_file.read_vector(tmp_path / "x.npy", "row 1")
    assert vector.tolist() == [1, 2, 3]
    assert vector.dtype.isnative


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"truncated or no \.npy file"),
        (b"hello, world", r"truncated or no \.npy file"),
        (stored(np.ones(4))[:-1], "its size is not the one it declares"),
        (stored(np.ones(4)) + b"!", "its size is not the one it declares"),
        (stored(np.array([{}, {}], object)), "Python objects"),
        (stored(np.ones((2, 2))), r"float64\[2, 2\] instead of a vector"),
        (stored(np.array(3.0)), r"float64\[\] instead of a vector"),
        (stored(np.ones(0)), r"float64\[0\] instead of a vector"),
        (stored(np.array(["a"])), r"<U1\[1\] instead of a vector"),
        (stored(np.array([1j])), r"complex128\[1\] instead of a vector"),
    ],
)
def test_anything_else_is_one_line(content, message, tmp_path):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(UserError, match=rf"^row 1: .*x\.npy: {message}"):
        numpy_file.read_vector(tmp_path / "x.npy", "row 1")


def test_every_truncation_is_one_line(tmp_path):
    whole = stored(np.arange(5.0))
    for kept in range(len(whole)):
        (tmp_path / "x.npy").write_bytes(whole[:kept])
        with pytest.raises(UserError, match="row 1"):
            numpy_file.read_vector(tmp_path / "x.npy", "row 1")


def test_no_file_and_too_large_a_file(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"row 1: .*none\.npy: no such file"):
        numpy_file.read_vector(tmp_path / "none.npy", "row 1")
    np.save(tmp_path / "x.npy", np.ones(100))
    monkeypatch.setattr(numpy_file, "MAXIMUM_VECTOR_BYTES", 500)
    with pytest.raises(UserError, match="928 bytes; at most 500 are read"):
        numpy_file.read_vector(tmp_path / "x.npy", "row 1")
