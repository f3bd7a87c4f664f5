"""The original's pickles load, and no other pickle does or runs anything."""

from __future__ import annotations

import builtins
import os
import pickle
import pickletools
import struct
import subprocess
import tracemalloc

import numpy as np
import pytest
import torch

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load_any, load_legacy
from dnnexplain.policies.legacy_pickle import read_arrays
from tests.fakes import FakeChoice
from tests.policies.py2 import py2_array, py2_pickle

RNG = np.random.default_rng(1)
NETWORK = [RNG.normal(size=size).astype(np.float32) for size in ((35, 20), (20,), (20, 3), (3,))]


class Call:
    """Pickles as a call of ``function(*arguments)``."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.fixture
def write(tmp_path):
    def write_bytes(data: bytes, name: str = "pg_re_1000.pkl"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write_bytes


def refused(path, match: str) -> None:
    with pytest.raises(DnnExplainError, match=match) as caught:
        read_arrays(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", ["python 2", 0, 1, 2, 3, 4, 5])
def test_arrays_come_back_to_the_bit(write, protocol):
    data = py2_pickle([py2_array(a) for a in NETWORK]) if protocol == "python 2" else pickle.dumps(NETWORK, protocol)
    for found, array in zip(read_arrays(write(data)), NETWORK, strict=True):
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2", "<i8", "u1"])
def test_types_byte_orders_and_fortran_order(write, protocol, dtype):
    array = np.asfortranarray(np.arange(12).reshape(3, 4)).astype(dtype)
    np.testing.assert_array_equal(read_arrays(write(pickle.dumps([array], protocol)))[0], array)


def test_python_2_writes_what_the_helper_writes():
    assert pickle.loads(py2_pickle([py2_array(NETWORK[0])]), encoding="latin1")[0].tobytes() == NETWORK[0].tobytes()


def test_the_network_computes_the_originals_formula(write):
    policy = load_legacy(write(py2_pickle([py2_array(a) for a in NETWORK])), FakeChoice())
    seen = RNG.random((9, 5, 7), dtype=np.float32)
    hidden = np.maximum(seen.reshape(9, 35) @ NETWORK[0] + NETWORK[1], 0)
    np.testing.assert_allclose(policy.outputs(seen), hidden @ NETWORK[2] + NETWORK[3], rtol=1e-4, atol=1e-5)
    assert policy.name == "pg_re_1000"
    assert not policy.masked
    assert torch.equal(policy.module.hidden_1.weight, torch.from_numpy(NETWORK[0].T))
    assert load_any(write(pickle.dumps(NETWORK)), FakeChoice()).checkpoint == policy.checkpoint


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda flag: Call(os.system, f"touch {flag}"), r"(posix|nt)\.system"),
        (lambda flag: Call(builtins.eval, f"open({str(flag)!r}, 'w')"), r"(builtins|__builtin__)\.eval"),
        (lambda flag: Call(subprocess.Popen, ["touch", str(flag)]), r"(subprocess|commands)\.Popen"),
        (lambda flag: Call(np.load, str(flag)), r"numpy\.load"),
        (lambda flag: Call(np.save, str(flag), 1), r"numpy\.save"),
        (lambda flag: Call(np.ndarray, (10**9,)), "calls ndarray"),
        (lambda flag: Call(getattr, np, "save"), r"(builtins|__builtin__)\.getattr|numpy"),
    ],
)
def test_a_hostile_pickle_is_refused_and_nothing_runs(write, tmp_path, protocol, call, name):
    flag = tmp_path / "it_ran"
    try:
        data = pickle.dumps([NETWORK[0], {"deep": (call(flag),)}][:: 1 if protocol == 4 else -1], protocol)
        bare = pickle.dumps([call(flag), NETWORK[0]], protocol)
    except TypeError:  # a module cannot be pickled: written by hand instead
        data = bare = b"\x80\x02c__builtin__\ngetattr\ncnumpy\nload\nU\x04save\x86R."
    refused(write(data), "tries to import|uses the instruction")
    refused(write(bare), name)
    assert not flag.exists()


@pytest.mark.parametrize(
    "name", ["numpy.f2py main", "numpy.core.multiarray scalar", "numpy._core.multiarray fromfile", "numpy memmap"]
)
def test_no_other_function_of_numpy_is_called(write, name):
    module, function = name.split()
    refused(
        write(f"\x80\x02c{module}\n{function}\nU\x01a\x85R.".encode("latin1")), f"tries to import {module}.{function}"
    )
    stack = (
        b"\x80\x04\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(function)]) + function.encode()
    )
    refused(write(stack + b"\x93)R."), f"tries to import {module}.{function}")


def test_object_arrays_with_a_payload_are_refused(write, tmp_path):
    flag = tmp_path / "it_ran"
    inner = np.array([Call(os.system, f"touch {flag}")], dtype=object)
    refused(write(pickle.dumps([inner], 2)), "tries to import")
    refused(write(pickle.dumps([np.array(["a", None], dtype=object)], 2)), "type 'O8'; only arrays of plain numbers")
    refused(write(pickle.dumps([np.zeros(2, dtype="f4,i4")], 2)), "only arrays of plain numbers|EMPTY_DICT")
    assert not flag.exists()


def test_stand_ins_cannot_be_altered(write):
    refused(write(b"\x80\x02cnumpy\ndtype\n}U\x04whatU\x06encodesb."), "instruction EMPTY_DICT")
    refused(write(b"\x80\x02cnumpy\ndtype\nN(U\x04whatU\x06encodet\x86b."), "tries to alter dtype")


def test_memory_bombs_are_refused_without_memory(write):
    bombs = [
        (py2_pickle([py2_array(NETWORK[0], shape=(2_000_000_000, 2_000_000_000))]), "holds 2800"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.", "truncated or damaged"),
        (b"\x80\x02Nr" + struct.pack("<I", 1 << 31) + b".", "absurd amount of memory"),
        (
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01b\x87R.",
            "NoneType|Array",
        ),
        (pickle.dumps([np.zeros((0, 2**40), np.float32), NETWORK[1]], 4), None),
    ]
    for data, match in bombs:
        path = write(data)
        tracemalloc.start()
        try:
            if match is None:
                with pytest.raises(DnnExplainError, match=r"expected weight \[in, out\]"):
                    load_legacy(path, FakeChoice())
            else:
                refused(path, match)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()


def test_every_truncation_is_one_sentence(write):
    data = py2_pickle([py2_array(a) for a in NETWORK[1:2]])
    for length in range(1, len(data)):
        refused(write(data[:length]), "not a whole pickle|this pickle")


def test_every_flipped_byte_is_read_or_refused(write):
    data = bytearray(py2_pickle([py2_array(NETWORK[3])]))
    rng = np.random.default_rng(0)
    for _ in range(250):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] = rng.integers(256)
        try:
            arrays = read_arrays(write(bytes(damaged)))
        except DnnExplainError:
            continue
        assert all(isinstance(array, np.ndarray) for array in arrays)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        (NETWORK[:3], r"expected weight \[in, out\].*shapes \[35, 20\], \[20\], \[20, 3\]"),
        ([NETWORK[0].T, *NETWORK[1:]], r"expected weight \[in, out\]"),
        ([np.float32([[1.0]])[0, 0:0].reshape(0)], r"expected weight"),
        ([np.zeros((), np.float32), NETWORK[1]], r"expected weight"),
        (
            [np.zeros((20, 8), np.float32), np.zeros(8), np.zeros((8, 6)), np.zeros(6)],
            r"takes 20 numbers and gave 6 outputs",
        ),
        ([np.full((35, 3), 1e300), np.zeros(3)], "NaN or infinite"),
    ],
)
def test_arrays_that_are_no_network_for_the_system(write, arrays, match):
    with pytest.raises(DnnExplainError, match=match):
        load_legacy(write(pickle.dumps(arrays, 4)), FakeChoice())


def test_other_contents_are_named(write):
    refused(write(pickle.dumps([], 2)), "holds a list, not a list|not a list of numpy arrays")
    refused(write(pickle.dumps("weights", 2)), "holds a str, not a list")
    refused(write(pickle.dumps([1.5], 2)), "instruction BINFLOAT")
    refused(write(pickle.dumps({"w": NETWORK[0]}, 2)), "instruction EMPTY_DICT")
    refused(write(pickle.dumps([NETWORK[0], [NETWORK[1]]], 2)), "holds a list where a numpy array")


def test_admitted_instructions_are_needed():
    assert {opcode.name for opcode, _, _ in pickletools.genops(py2_pickle([py2_array(NETWORK[0])]))} > {
        "REDUCE",
        "BUILD",
    }
