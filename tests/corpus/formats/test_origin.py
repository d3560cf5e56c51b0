import hashlib

from fedaffect.corpus.formats.origin import origin


def test_one_file_has_its_own_hash(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    found = origin([tmp_path / "a"], "reader")
    assert (found.source, found.reader) == ("a", "reader")
    assert found.sha256 == hashlib.sha256(b"abc").hexdigest()


def test_several_files_have_one_hash_of_what_sha256sum_prints(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).write_bytes(name.encode())
    printed = "".join(f"{hashlib.sha256(n.encode()).hexdigest()}  {n}\n" for n in "ab")
    found = origin([tmp_path / "b", tmp_path / "a"], "reader")
    assert found.sha256 == hashlib.sha256(printed.encode()).hexdigest()
    assert found.source == f"{tmp_path.name}: a, b"
    (tmp_path / "b").write_bytes(b"changed")
    assert origin([tmp_path / "b", tmp_path / "a"], "reader").sha256 != found.sha256


def test_many_files_below_a_folder_are_named_by_their_paths(tmp_path):
    files = [tmp_path / part / "x" for part in ("b", "a")]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(file.parent.name.encode())
    printed = "".join(f"{hashlib.sha256(n.encode()).hexdigest()}  {n}/x\n" for n in "ab")
    found = origin(files, "reader", tmp_path)
    assert found.sha256 == hashlib.sha256(printed.encode()).hexdigest()
    assert found.source == f"{tmp_path.name}: 2 files"
