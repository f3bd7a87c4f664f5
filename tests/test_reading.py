"""The one bounded reader: bombs, devices, pipes, depth, digits; and that every reader goes through it."""

import ast
import bz2
import gzip
import io
import json
import lzma
import os
import threading
import time
import tracemalloc
import zipfile
from functools import cache
from pathlib import Path

import pytest

from dnnexplain import reading
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation.export import tree_from_json
from dnnexplain.policies import load_any, read_metadata
from dnnexplain.results import Result
from dnnexplain.systems.deeprm.workloads.jobfiles import read_jobs
from dnnexplain.systems.deeprm.workloads.swf import read_swf
from dnnexplain.systems.routing import load_topology
from dnnexplain.systems.routing.paths import k_shortest_paths
from dnnexplain.systems.routing.traffic_files import load_matrices
from tests.fakes import FakeChoice

PACK = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def matrices(path):
    return load_matrices(path, k_shortest_paths(load_topology("ring-4"), 2), "Gb/s")


READERS = {
    "swf": read_swf,
    "jobs": read_jobs,
    "matrices": matrices,
    "topology": load_topology,
    "network": lambda path: load_any(path, FakeChoice()),
    "metadata": read_metadata,
    "result": Result.load,
    "json": reading.read_json,
}
"""Every way by which a file of a user's comes in; a new reader is added here."""


@pytest.fixture(params=READERS)
def read(request):
    return READERS[request.param]


@cache
def bomb(kind):
    return PACK[kind](b"\n" * (24 << 20))


def refused(read, path, words="."):
    with pytest.raises(DnnExplainError, match=words) as caught:
        read(path)
    text = str(caught.value)
    assert len(text) < 400
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_a_device_is_refused_at_once(read, name):
    refused(read, Path(name), "is a device")


def test_a_pipe_that_nobody_fills_is_left_after_a_while(read, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    start = time.monotonic()
    with reading.limits(seconds=0.05):
        refused(read, tmp_path / "pipe.json", "did not end within|damaged")
    assert time.monotonic() - start < 5


def test_a_pipe_that_is_filled_is_read(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"[1, 2]" + b" " * 300_000,))
    writer.start()
    try:
        assert reading.read_json(path) == [1, 2]
    finally:
        writer.join()


def test_an_endless_pipe_is_cut(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def fill():
        try:
            with path.open("wb", buffering=0) as stream:
                while True:
                    stream.write(b"1" * 65536)
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=fill)
    writer.start()
    try:
        with reading.limits(bytes=1 << 20):
            refused(reading.read_bytes, path, "more than 1,048,576 bytes.*DNNEXPLAIN_MAX_BYTES")
    finally:
        writer.join()


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("name", ["swf", "jobs", "matrices", "topology", "result", "json"])
def test_a_bomb_is_refused_before_it_fills_the_memory(kind, name, tmp_path):
    path = tmp_path / "bomb.graphml"
    path.write_bytes(bomb(kind))
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    try:
        with reading.limits(unpacked=1 << 22):
            refused(READERS[name], path, "unpacks to more than 4,194,304 bytes.*DNNEXPLAIN_MAX_UNPACKED")
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", PACK)
def test_packed_files_are_known_by_content(kind, tmp_path):
    path = tmp_path / "jobs.txt"
    text = b'{"steps": 5, "jobs": [{"arrival": 1, "length": 2, "cpu": 3, "memory": 1}]}'
    path.write_bytes(PACK[kind](text[:20]) + PACK[kind](text[20:]))  # two in a row, as `cat a b` makes
    assert read_jobs(path).length.tolist() == [2]


@pytest.mark.parametrize("kind", PACK)
def test_every_cut_and_every_flipped_byte_of_a_packed_file_is_told_or_harmless(kind):
    text = b"".join(b"%d 2 3 4 5\n" % i for i in range(20))
    data = PACK[kind](text)
    for length in range(8, len(data)):
        with pytest.raises(DnnExplainError, match=f"damaged or truncated {kind}"):
            reading.unpack(data[:length], "log")
    for place in range(8, len(data)):
        changed = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        try:
            found = reading.unpack(changed, "log")
        except DnnExplainError:
            continue
        assert found == text  # the byte meant nothing: a time, a name


def test_rubbish_behind_a_packed_file_is_told_and_zeros_are_not():
    data = gzip.compress(b"abc")
    assert reading.unpack(data + b"\0" * 100, "log") == b"abc"
    with pytest.raises(DnnExplainError, match="damaged or truncated gzip"):
        reading.unpack(data + b"rubbish", "log")


def test_a_zip_bomb_is_refused_by_what_it_declares():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "abcdefgh":
            archive.writestr(name, b"\0" * (1 << 20))
    with reading.limits(unpacked=1 << 22), pytest.raises(DnnExplainError, match=r"unpacks to 8\.39 MB"):
        reading.open_zip(buffer.getvalue(), "net.zip")
    assert len(reading.open_zip(buffer.getvalue(), "net.zip").namelist()) == 8


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, "[" * 101 + "]" * 101])
def test_deep_json_is_told(text):
    with pytest.raises(DnnExplainError, match=r"nested too deeply.*DNNEXPLAIN_MAX_DEPTH"):
        reading.parse_json(text, "it")


def test_json_within_the_limits_is_read_and_they_can_be_raised(monkeypatch):
    deep = "[" * 100 + "]" * 100
    assert reading.parse_json(deep, "it")
    assert reading.parse_json(json.dumps([{"a": 1.5}, "[[[", None]), "it") == [{"a": 1.5}, "[[[", None]
    monkeypatch.setenv("DNNEXPLAIN_MAX_DEPTH", "50")
    with pytest.raises(DnnExplainError, match="more than 50 levels"):
        reading.parse_json(deep, "it")
    with reading.limits(depth=200):
        assert reading.parse_json(deep, "it")
    monkeypatch.setenv("DNNEXPLAIN_MAX_DEPTH", "many")
    with pytest.raises(DnnExplainError, match="DNNEXPLAIN_MAX_DEPTH must be a number above 0, not 'many'"):
        reading.parse_json(deep, "it")
    with pytest.raises(DnnExplainError, match="no limit 'bites'; there are: bytes"), reading.limits(bites=3):
        pass


def test_a_name_that_stands_twice_in_an_object_is_told():
    with pytest.raises(DnnExplainError, match="a state gives 'job' more than once in the same object"):
        reading.parse_json('[{"job": 1, "other": {"job": 2}}, {"job": 1, "job": 1}]', "a state")
    assert reading.parse_json('[{"job": 1, "other": {"job": 2}}]', "a state")[0]["other"] == {"job": 2}


def test_too_many_values_and_digits_are_told():
    with reading.limits(objects=1000), pytest.raises(DnnExplainError, match="more than 1,000 values"):
        reading.parse_json("[" + "0," * 2000 + "0]", "it")
    with pytest.raises(DnnExplainError, match="a number of 400 digits"):
        reading.parse_json("9" * 5000, "it")


@pytest.mark.parametrize("kind", ["network", "metadata"])
def test_deep_and_odd_headers_of_weights_are_told(kind, tmp_path):
    for header in (
        b"[" * 50_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": {"dtype": 5, "shape": {}, "data_offsets": [0]}}',
    ):
        path = tmp_path / "net.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        if kind == "metadata" and header.endswith(b"}}"):
            assert read_metadata(path) == {}
        else:
            refused(READERS[kind], path)


def test_xml_that_grows_or_nests_is_refused():
    laughs = b'<!DOCTYPE a [<!ENTITY b "ha">]><a>&b;</a>'
    with pytest.raises(DnnExplainError, match="declares a document type"):
        reading.parse_xml(laughs, "it")
    with pytest.raises(DnnExplainError, match="nested too deeply"):
        reading.parse_xml(b"<a>" * 5000 + b"</a>" * 5000, "it")
    with reading.limits(objects=10), pytest.raises(DnnExplainError, match="more than 10 elements"):
        reading.parse_xml(b"<a>" + b"<b/>" * 100 + b"</a>", "it")
    for text in (b"", b"<a>", b"<a></b>", b"no xml", b'<?xml version="1.0" encoding="none"?><a/>'):
        with pytest.raises(DnnExplainError, match="not valid XML"):
            reading.parse_xml(text, "it")
    assert reading.parse_xml('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>'.encode("latin1"), "it").text == "ü"


def test_a_tree_that_points_to_itself_is_no_tree():
    nodes = {
        "feature": [0, -1, -1],
        "threshold": [1.0, 0, 0],
        "left": [1, -1, -1],
        "right": [2, -1, -1],
        "scores": [[1.0, 0], [1, 0], [0, 1]],
        "weight": [1.0, 0.5, 0.5],
    }
    good = {"features": ["a"], "nodes": nodes}
    assert tree_from_json(json.dumps(good)).leaves == 2
    for changed in (
        {"left": [0, -1, -1]},
        {"right": [1, -1, -1]},
        {"left": [7, -1, -1]},
        {"feature": [3, -1, -1]},
        {"feature": [0, -1]},
        {"feature": "text"},
    ):
        with pytest.raises(DnnExplainError):
            tree_from_json(json.dumps({**good, "nodes": {**nodes, **changed}}))


OPENERS = {"gzip", "bz2", "lzma"}
WHERE = Path(reading.__file__).parent


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(WHERE.rglob("*.py")) if path.name != "reading.py" and path.parent.name != "app"],
    ids=lambda path: str(path.relative_to(WHERE)),
)
def test_no_module_reads_files_of_its_own(path):
    """Unpacking, and ``json.loads`` or ``Path.read_*`` of what came from outside, are the reader's alone."""
    own = {"read_graphml", "read_bytes", "read_text"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = getattr(node.func.value, "id", "")
            assert not (owner in OPENERS and node.func.attr in {"open", "decompress"}), node.lineno
            assert not (node.func.attr in own and owner not in {"reading", ""}), f"line {node.lineno}: use reading"
