"""Files appear whole or not at all; what cannot be read or written is said in a sentence."""

import os
import stat

import pytest

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.files import atomic_write, check_folder, check_writable, existing_folder, made_folder
from dnnexplain.reading import read_json, read_text


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "out.txt"
    with atomic_write(path) as stream:
        stream.write("läuft")
        assert not path.exists()
    assert path.read_bytes() == "läuft".encode()
    assert [one.name for one in tmp_path.iterdir()] == ["out.txt"]


def test_bytes_replace_an_old_file_and_keep_its_rights(tmp_path):
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with atomic_write(path, "wb") as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_gets_the_usual_rights(tmp_path):
    usual = tmp_path / "usual"
    usual.touch()
    with atomic_write(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def half():
        with atomic_write(path) as stream:
            stream.write("half")
            raise error

    with pytest.raises(error):
        half()
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["out.txt"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link") as stream:
        stream.write("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "text"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing/out.txt", "missing does not exist; make it first"),
        ("folder", "folder cannot be written: it is a folder"),
        ("file/out.txt", "does not exist|not a folder"),
    ],
)
@pytest.mark.parametrize("write", [check_writable, lambda path: atomic_write(path).__enter__()])
def test_what_cannot_be_written_is_said(tmp_path, name, words, write):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(DnnExplainError, match=words):
        write(tmp_path / name)


@pytest.mark.parametrize("write", [check_writable, lambda path: atomic_write(path).__enter__()])
def test_a_read_only_folder_is_said(tmp_path, write, monkeypatch):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):  # root may write everywhere

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied", str(tmp_path / ".out.part"))

        monkeypatch.setattr("dnnexplain.files.tempfile.mkstemp", refuse)
    with pytest.raises(DnnExplainError, match=r"out cannot be written: permission denied"):
        write(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said():
    full = pytest.raises(DnnExplainError, match="cannot be written: no space left on device")
    with full, atomic_write("/dev/full") as stream:
        stream.write("x" * 100_000)


def test_errors_about_other_files_stay_their_own(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), atomic_write(tmp_path / "out"):
        (tmp_path / "elsewhere").read_text()


def test_a_device_is_written_directly():
    with atomic_write(os.devnull) as stream:
        stream.write("x")
    check_writable(os.devnull)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", r"jobs .*jobs.json is not valid JSON: .* in line 1, column 2"),
        (b'{"a": NaN}', "has a NaN, which is no number"),
        (b'{"a": -Infinity}', "has a -Infinity"),
        (b"{}\n\x8b\x08", r"is not UTF-8 text \(line 2, byte 0x8b\); is it another kind of file"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_said(tmp_path, content, words):
    path = tmp_path / "jobs.json"
    path.write_bytes(content)
    with pytest.raises(DnnExplainError, match=words):
        read_json(path, "jobs")


def test_json_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": [1, 2.5, null]}')
    assert read_json(tmp_path / "a.json") == {"a": [1, 2.5, None]}


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DnnExplainError, match=r"list of jobs .*none cannot be read: there is no such file"):
        read_text(tmp_path / "none", "list of jobs")


def test_a_file_where_a_folder_is_wanted_is_called_a_file(tmp_path):
    file = tmp_path / "here"
    file.write_text("x")
    assert existing_folder(tmp_path) == made_folder(tmp_path) == tmp_path
    assert made_folder(tmp_path / "a" / "b").is_dir()
    with pytest.raises(DnnExplainError, match=r"here is a file, not a folder; give one"):
        existing_folder(file)
    with pytest.raises(DnnExplainError, match=r"there is no folder .*gone; give one"):
        existing_folder(tmp_path / "gone")
    for folder in (file, file / "deeper"):
        with pytest.raises(DnnExplainError, match=r"cannot be made: .*here is a file; give another one as --export"):
            made_folder(folder, "--export")
    with pytest.raises(DnnExplainError, match=r"here is a file, not a folder"):
        check_writable(file / "result.json")


def test_a_folder_that_is_only_checked_is_not_left_behind(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("x")
    check_folder(tmp_path / "there" / "a" / "b")
    check_folder(tmp_path / "there")
    (tmp_path / "full" / "result").mkdir(parents=True)  # whatever lies in it
    check_folder(tmp_path / "full")
    assert [item.name for item in (tmp_path / "full").iterdir()] == ["result"]
    (tmp_path / "full" / "result").rmdir()
    (tmp_path / "full").rmdir()
    with pytest.raises(DnnExplainError, match=r"cannot be made: /dev/null is a file; give another one as --out"):
        check_folder("/dev/null/folder")
    for wrong in (tmp_path / "file", tmp_path / "there" / "c" / ("n" * 300)):
        with pytest.raises(DnnExplainError, match=r"cannot be made: .*; give another one as --export"):
            check_folder(wrong, "--export")
    assert sorted(item.name for item in tmp_path.rglob("*")) == ["file", "there"]


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "cellular", "--generator", "none.safetensors", "--out"),
        ("stress", "cellular", "--policy", "none.safetensors", "--out"),
        ("stress", "cellular", "--like", "none.csv", "--out"),
        ("stress", "cellular", "--generator", "none.safetensors", "--out"),
        ("prove", "cellular", "--property", "none.json", "--export"),
    ],
)
def test_a_refused_command_leaves_no_folder(tmp_path, words, capsys):
    assert main([*words, str(tmp_path / "new" / "folder")]) == 2
    assert "none." in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
