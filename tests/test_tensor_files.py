"""Files of tensors come through the bounded reader, in one order; what is damaged is said, and nothing else opens them."""

from __future__ import annotations

import ast
import json
import os
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from dnnexplain import tensor_files
from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import limits
from dnnexplain.tensor_files import header_note, read_saved_state, read_tensors, read_unfinished, story_of

ROOT = Path(__file__).parents[1]
NAMES = ("b", "a.weight", "c", "a.bias")


@pytest.fixture
def written(tmp_path):
    file = tmp_path / "run.safetensors"
    notes = {"progress": json.dumps({"step": 3, "best": float("inf")})}
    file.write_bytes(save({name: torch.full((2,), float(place)) for place, name in enumerate(NAMES)}, metadata=notes))
    return file


@pytest.mark.parametrize("seed", range(3))
def test_tensors_come_by_name_whatever_order_the_library_draws(written, monkeypatch, seed):
    import safetensors.torch as library

    load = library.load

    def shuffled(data):
        items = list(load(data).items())
        random.Random(seed).shuffle(items)
        return dict(items)

    monkeypatch.setattr(library, "load", shuffled)
    tensors, notes = read_tensors(written)
    assert list(tensors) == sorted(NAMES)
    assert [float(tensors[name][0]) for name in NAMES] == [0.0, 1.0, 2.0, 3.0]
    assert list(notes) == ["progress"]


def test_an_unfinished_run_says_how_far_it_is(written):
    tensors, story = read_unfinished(written, "progress")
    assert (len(tensors), story) == (4, {"step": 3, "best": float("inf")})
    for wrong in ("other", ""):
        with pytest.raises(DnnExplainError, match=r"no unfinished run.*start again with --fresh"):
            read_unfinished(written, wrong)


def test_a_header_that_begins_like_a_packed_file_is_read_as_it_is(tmp_path):
    """A file's first bytes are its header's length: 35,615 are gzip's mark."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode().ljust(0x8B1F)
    file = tmp_path / "one.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0\x80?")
    assert file.read_bytes()[:2] == b"\x1f\x8b"
    assert float(read_tensors(file)[0]["a"]) == 1.0


@pytest.mark.parametrize("reader", [read_tensors, lambda path: read_unfinished(path, "progress"), read_saved_state])
def test_an_empty_file_is_said_to_be_empty(tmp_path, reader):
    file = tmp_path / "empty"
    file.touch()
    with pytest.raises(DnnExplainError, match="is empty; its copying or download did not finish"):
        reader(file)


def test_a_note_is_read_from_the_header_alone(written):
    assert header_note(written, "other") == {}
    assert header_note(written, "progress") is None, "infinity is no JSON, but in a run that goes on"
    notes = {"of": json.dumps({"a": 1}), "list": "[]", "text": "hello"}
    written.write_bytes(save({"a": torch.ones(3)}, metadata=notes)[:-1])
    assert header_note(written, "of") == {"a": 1}
    assert header_note(written, "list") is None
    assert header_note(written, "text") is None
    written.write_bytes(written.read_bytes()[:20])
    assert header_note(written, "of") is None
    assert (story_of(notes, "of", "x"), story_of([], "of", "x")) == ({"a": 1}, None)


@pytest.mark.parametrize("reader", [read_tensors, lambda path: read_unfinished(path, "progress"), read_saved_state])
@pytest.mark.parametrize("spoiled", [b"\xff" * 8, b"\x02\0\0\0\0\0\0\0[]", b"hello, this is text", "cut"])
def test_what_is_damaged_is_said(written, reader, spoiled):
    written.write_bytes(written.read_bytes()[:-3] if spoiled == "cut" else spoiled)
    with pytest.raises(DnnExplainError, match=r"not a whole safetensors file|no unfinished run"):
        reader(written)


@pytest.mark.parametrize("reader", [read_tensors, lambda path: read_unfinished(path, "progress"), read_saved_state])
def test_a_pipe_on_which_nothing_comes_is_not_waited_for_without_end(tmp_path, reader):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with limits(seconds=0.2), pytest.raises(DnnExplainError, match="did not end within"):
        reader(pipe)


def test_a_state_of_torch_is_read_and_code_in_one_is_not_run(tmp_path):
    file = tmp_path / "run.pt"
    torch.save({"iteration": 4, "module": {"a": torch.ones(2)}}, file)
    assert read_saved_state(file)["iteration"] == 4
    torch.save(torch.nn.Linear(2, 2), file)
    with pytest.raises(DnnExplainError, match="UnpicklingError"):
        read_saved_state(file)
    torch.save([1], file)
    with pytest.raises(DnnExplainError, match="is no unfinished run"):
        read_saved_state(file)


def opened(source: str) -> set[str]:
    """Calls by which a library opens a path of tensors itself."""
    tree, found = ast.parse(source), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("safetensors"):
            found |= {item.name for item in node.names if item.name in {"load_file", "safe_open"}}
        if isinstance(node, ast.Attribute) and node.attr in {"load_file", "safe_open"}:
            found.add(node.attr)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"torch.load", "torch.jit.load", "np.load"}:
            inner = node.args[0]
            memory = isinstance(inner, ast.Call) and ast.unparse(inner.func) == "io.BytesIO"
            found |= set() if memory or ast.unparse(inner) == "buffer" else {ast.unparse(node.func)}
    return found


def test_a_library_that_opens_a_path_itself_is_seen():
    assert opened("from safetensors import safe_open") == {"safe_open"}
    assert opened("import safetensors.torch as st\nst.load_file(path)") == {"load_file"}
    assert opened("torch.load(path, weights_only=True)") == {"torch.load"}
    assert opened("torch.load(io.BytesIO(data), weights_only=True)") == set()


def test_nothing_opens_files_of_tensors_past_the_bounded_reader():
    found = {
        (str(path.relative_to(ROOT)), call)
        for path in sorted((ROOT / "dnnexplain").rglob("*.py"))
        for call in opened(path.read_text(encoding="utf-8"))
    }
    assert sorted(found) == []
    assert Path(tensor_files.__file__).is_relative_to(ROOT / "dnnexplain")
