"""Images in folders: which are read, as what, and which are refused before they are decoded."""

import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from fedaffect.corpus.check import ensure_sound
from fedaffect.errors import UserError
from fedaffect.importing import Options, read
from fedaffect.importing.readers import image_folder
from fedaffect.schema import SPLITS


def picture(file, seed=0, size=(6, 4), mode="L", **options):
    """A random image of (width, height)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed).integers(0, 256, size=(size[1], size[0], 3))
    Image.fromarray(random.astype(np.uint8)).convert(mode).save(file, **options)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "faces"
    for seed, place in enumerate(
        ["train/sad/b", "train/happy/a", "train/happy/c", "val/sad/a", "PrivateTest/happy/a"]
    ):
        picture(root / f"{place}.png", seed)
    return root


def test_folders_are_splits_and_classes(folder):
    (folder / "train" / "notes.txt").write_text("not an image")
    (folder / "train" / "sad" / "notes.txt").write_text("nor this")
    (folder / "readme.md").write_text("nor this")
    corpus = read(folder)
    ensure_sound(corpus)
    assert (corpus.name, corpus.classes) == ("faces", ("happy", "sad"))
    rows = {
        name: (SPLITS[corpus.split[i]], corpus.classes[corpus.label[i]])
        for i, name in enumerate(corpus.conversations)
    }
    assert rows == {
        "PrivateTest/happy/a.png": ("test", "happy"),
        "train/happy/a.png": ("train", "happy"),
        "train/happy/c.png": ("train", "happy"),
        "train/sad/b.png": ("train", "sad"),
        "val/sad/a.png": ("dev", "sad"),
    }
    assert corpus.features["face"].shape == (5, 4, 6)
    row = corpus.conversations.index("train/happy/c.png")
    with Image.open(folder / "train" / "happy" / "c.png") as image:
        np.testing.assert_array_equal(corpus.features["face"][row], np.asarray(image))
    assert corpus.provenance.reader == "folders of images"
    assert corpus.provenance.source == "faces: 5 files"


def test_a_label_changes_the_hash(folder):
    before = read(folder).provenance.sha256
    (folder / "train" / "happy" / "a.png").rename(folder / "train" / "sad" / "a.png")
    assert read(folder).provenance.sha256 != before


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "1"])
def test_colours_become_grey(folder, mode):
    picture(folder / "train" / "sad" / "z.png", 9, mode=mode)
    corpus = read(folder)
    row = corpus.conversations.index("train/sad/z.png")
    with Image.open(folder / "train" / "sad" / "z.png") as image:
        assert image.mode == mode
        np.testing.assert_array_equal(corpus.features["face"][row], np.asarray(image.convert("L")))


def test_jpeg_too(folder):
    picture(folder / "train" / "sad" / "z.JPG", 9, mode="RGB", format="JPEG")
    assert "train/sad/z.JPG" in read(folder).conversations


def test_without_a_dev_folder_a_tenth_of_train_is_drawn(tmp_path):
    for seed in range(20):
        picture(tmp_path / "train" / "ab"[seed % 2] / f"{seed}.png", seed)
    picture(tmp_path / "test" / "a" / "0.png", 99)
    first = read(tmp_path, Options(seed=1))
    assert [int(first.items_in(s).sum()) for s in SPLITS] == [18, 2, 1]
    assert first.provenance.reader == (
        "folders of images; dev: 2 training images, drawn with seed 1"
    )
    assert np.array_equal(read(tmp_path, Options(seed=1)).split, first.split)
    assert not np.array_equal(read(tmp_path, Options(seed=2)).split, first.split)


def test_another_size_is_refused_by_name(folder):
    picture(folder / "train" / "sad" / "wide.png", size=(7, 4))
    with pytest.raises(UserError, match=r"wide\.png: 4 × 7 pixels, but the first image has 4 × 6"):
        read(folder)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side):
    """A few bytes that claim to be side × side pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("side", [1025, 30_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_goes_off(folder, side):
    (folder / "train" / "happy" / "0.png").write_bytes(bomb(side))
    with pytest.raises(UserError, match=r"0\.png: .*(at most 1024 a side|truncated)"):
        read(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated or no PNG or JPEG"),
        (b"\x89PNG\r\n\x1a\n", "truncated or no PNG or JPEG"),
        (b"GIF89a" + b"\0" * 50, "truncated or no PNG or JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "truncated or no PNG or JPEG"),
        (bomb(4)[:-30], r"truncated or no PNG or JPEG|4 × 4 pixels, but"),
    ],
)
def test_what_is_no_image_is_refused(folder, content, message):
    (folder / "train" / "sad" / "zz.png").write_bytes(content)
    with pytest.raises(UserError, match=rf"zz\.png: ({message})"):
        read(folder)


def test_every_truncation_is_one_clear_line(folder):
    """Before the last pixel, that is."""
    file = folder / "train" / "sad" / "b.png"
    whole = file.read_bytes()
    for length in range(0, whole.index(b"IEND") - 16, 3):
        file.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"b\.png: truncated or no PNG"):
            read(folder)


def test_more_than_eight_bits_are_not_cut_off_silently(folder):
    deep = np.arange(24, dtype=np.uint16).reshape(4, 6) * 2000
    Image.fromarray(deep).save(folder / "train" / "sad" / "deep.png")
    with pytest.raises(UserError, match=r"deep\.png: pixels of mode I;16; save it with 8 bits"):
        read(folder)


@pytest.mark.parametrize(
    ("bound", "value", "message"),
    [
        ("MAXIMUM_FILES", 3, "more than 3 images"),
        ("MAXIMUM_FILE_BYTES", 50, "images of at most 50 are read"),
        ("MAXIMUM_BYTES", 100, "5 images of 24 pixels; at most 100 are read"),
    ],
)
def test_bounds(folder, monkeypatch, bound, value, message):
    monkeypatch.setattr(image_folder, bound, value)
    with pytest.raises(UserError, match=message):
        read(folder)


def test_an_unknown_split_is_named(folder):
    picture(folder / "extra" / "sad" / "a.png")
    with pytest.raises(UserError, match=r"extra: not the name of a split; call it one of train"):
        read(folder)


def test_an_image_of_no_class_is_not_lost_silently(folder):
    picture(folder / "train" / "astray.png")
    with pytest.raises(UserError, match=r"train/astray\.png: of no class; put it into a folder"):
        read(folder)


def test_folders_without_images_are_refused(tmp_path):
    (tmp_path / "train" / "sad").mkdir(parents=True)
    with pytest.raises(UserError, match=r"no \.png or \.jpg or \.jpeg in SPLIT/CLASS folders"):
        read(tmp_path)


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(UserError, match=r"needs the `images` extra"):
        read(folder)


def test_a_family_is_no_matter_of_images(folder):
    with pytest.raises(UserError, match="--family: only for feature pickles"):
        read(folder, Options(family="sdt-meld"))
