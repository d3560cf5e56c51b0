"""What is read of an ONNX file, and what is refused."""

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.inference.backbone import AT_ONCE, Backbone


@pytest.fixture
def backbone(make_backbone):
    return Backbone(make_backbone(), "tiny")


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 12, 12), dtype=np.uint8)


def test_shape_embedding_and_classes(backbone):
    assert (backbone.shape, backbone.embedding_dim) == ((12, 12), 8)
    assert backbone.classes == ("class-0", "class-1", "class-2")


def test_any_number_of_images(backbone):
    """More than one batch, one by one, and none: the same numbers, up to rounding."""
    every = images(AT_ONCE + 3)
    embedding, logits = backbone.embed(every)
    assert (embedding.shape, logits.shape) == ((len(every), 8), (len(every), 3))
    assert embedding.dtype == logits.dtype == np.float32
    one_by_one = [backbone.embed(image[None]) for image in every]
    np.testing.assert_allclose(embedding, [z[0] for z, _ in one_by_one], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(logits, [x[0] for _, x in one_by_one], rtol=1e-5, atol=1e-6)
    assert [part.shape for part in backbone.embed(every[:0])] == [(0, 8), (0, 3)]


def test_images_of_a_part_of_an_array(backbone):
    """Not contiguous in memory."""
    wide = images(4).repeat(2, axis=2)
    np.testing.assert_array_equal(backbone.embed(wide[:, :, ::2])[0], backbone.embed(images(4))[0])


@pytest.mark.parametrize(
    ("cut", "message"), [(40, "cut.onnx: not readable as ONNX"), (0, "cut.onnx: not readable")]
)
def test_a_truncated_file(make_backbone, tmp_path, cut, message):
    file = tmp_path / "cut.onnx"
    file.write_bytes(make_backbone()[:cut])
    with pytest.raises(UserError, match=message) as caught:
        Backbone.read(file)
    assert "fedaffect export" in str(caught.value)


def test_another_onnx_file(make_backbone):
    with pytest.raises(UserError, match="other: its format is 'something', not fedaffect backbone"):
        Backbone(make_backbone(metadata={"format": "something"}), "other")


@pytest.mark.parametrize("classes", ['["a", "b"]', "3", "[", "{}"])
def test_classes_that_do_not_fit_its_head(make_backbone, classes):
    with pytest.raises(UserError, match=r"tiny: no backbone: inputs"):
        Backbone(make_backbone(metadata={"classes": classes}), "tiny")


def test_no_file(tmp_path):
    with pytest.raises(
        UserError, match=r"gone.onnx: no such file; make one with `fedaffect export"
    ):
        Backbone.read(tmp_path / "gone.onnx")


def test_too_large_a_file_is_not_read(tmp_path):
    file = tmp_path / "large.onnx"
    with file.open("wb") as stream:
        stream.truncate(2**28 + 1)
    with pytest.raises(UserError, match="more than 268435456 bytes"):
        Backbone.read(file)
