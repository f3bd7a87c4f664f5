"""Read a TensorFlow V2 checkpoint (``NAME.index`` and ``NAME.data-00000-of-00001``) without TensorFlow.

The index is a table in LevelDB's format, whose entries are protocol buffers: dtype, shape, offset and size of
each tensor in the data file. Nothing in the files is executed; every length is checked before it is used, and
every tensor against its checksum (CRC-32C).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnexplain.checksum_kernels import crc32c
from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import check_count, read_bytes

__all__ = ["is_tensorflow", "read_checkpoint"]

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_MOST_BYTES = 1 << 28
_GRAPH = "saved_model.pb"
_TEXT = 7
_DTYPES: dict[int, type[np.generic]] = {
    1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 5: np.int16, 6: np.int8, 9: np.int64, 10: np.bool_,
    19: np.float16,
}  # fmt: skip


def is_tensorflow(path: Path) -> bool:
    """Whether a path is one of a checkpoint's files, their common beginning, or the folder of a SavedModel."""
    if path.is_file():
        endings = (".index", ".data-00000-of-00001", ".meta", _GRAPH)
        return path.name == "checkpoint" or path.name.endswith(endings) or _is_first_version(path)
    if path.is_dir():
        return (path / _GRAPH).is_file() or (path / "checkpoint").is_file()
    return path.name != "" and path.with_name(f"{path.name}.index").is_file()


def _is_first_version(path: Path) -> bool:
    """Whether a file is a whole table of TensorFlow's own: a checkpoint of its first version."""
    if path.stat().st_size < _FOOTER:
        return False
    with path.open("rb") as file:
        file.seek(-8, 2)
        return file.read(8) == struct.pack("<Q", _MAGIC)


def read_checkpoint(path: str | Path) -> dict[str, NDArray[np.generic]]:
    """Every tensor of a checkpoint by name.

    Args:
        path: either of its two files, or their common beginning.

    Raises:
        DnnExplainError: a file is missing, damaged, sharded, of another format, or larger than 256 MB.
    """
    index, data = _pair(Path(path))
    table = read_bytes(index, "the checkpoint's index", packed=True)
    content = read_bytes(data, "the checkpoint's data", packed=True)
    if len(content) > _MOST_BYTES:
        msg = f"{data} holds {counted(len(content), 'byte')}; checkpoints of up to {_MOST_BYTES:,} are read"
        raise DnnExplainError(msg)
    try:
        read = ((name, _tensor(name, entry, content)) for name, entry in _entries(table) if name)
        return {_plain(name): tensor for name, tensor in read if tensor is not None}
    except _Damaged as fault:
        msg = f"{index.name} is no whole TensorFlow V2 checkpoint: {fault}; copy both of its files again"
        raise DnnExplainError(msg) from None


class _Damaged(Exception):  # noqa: N818 - what is wrong, not an error of ours
    """What is wrong with a file."""


def _plain(name: str) -> str:
    """A variable's name without what every one of an object's has behind it."""
    return name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")


def _named_by(path: Path) -> Path:
    """The checkpoint that a folder or its file ``checkpoint`` names; any other path as it is."""
    if path.is_dir() and (path / _GRAPH).is_file():
        return path / "variables" / "variables"
    if path.name == _GRAPH:
        return path.parent / "variables" / "variables"
    listing = path / "checkpoint" if path.is_dir() else path
    if listing.name != "checkpoint" or not listing.is_file():
        return path
    text = read_bytes(listing, "the list of checkpoints").decode("utf-8", "replace")
    latest = re.search(r'^model_checkpoint_path:\s*"([^"]+)"', text, re.MULTILINE)
    if latest is None:
        msg = f"{listing} names no checkpoint (model_checkpoint_path); name the checkpoint's own files"
        raise DnnExplainError(msg)
    return listing.with_name(Path(latest[1]).name)


def _pair(path: Path) -> tuple[Path, Path]:
    path = _named_by(path)
    if path.is_file() and not path.suffix.startswith((".index", ".meta", ".data")) and _is_first_version(path):
        msg = (
            f"{path} is a checkpoint of TensorFlow's first format, one file; load it in TensorFlow and save it in the second, "
            "tf.compat.v1.train.Saver(write_version=2).save(session, 'name'), and give name.index"
        )
        raise DnnExplainError(msg)
    stem = path.name
    for ending in (".index", ".data-00000-of-00001", ".meta"):
        stem = stem.removesuffix(ending)
    index, data = path.with_name(f"{stem}.index"), path.with_name(f"{stem}.data-00000-of-00001")
    for file in (index, data):
        if not file.is_file():
            msg = f"a TensorFlow checkpoint is two files, {index.name} and {data.name}, side by side; {file} is missing"
            raise DnnExplainError(msg)
    return index, data


def _entries(table: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and protocol buffers of a table."""
    if len(table) < _FOOTER or struct.unpack("<Q", table[-8:])[0] != _MAGIC:
        fault = "its index does not end in the mark of a table"
        raise _Damaged(fault)
    footer = table[-_FOOTER:-8]
    _, place = _handle(footer, 0)
    handle, _ = _handle(footer, place)
    count = 0
    for _, where in _block(table, *handle):
        inner, _ = _handle(where, 0)
        for key, value in _block(table, *inner):
            count += 1
            check_count(count, "the checkpoint", "tensors")
            try:
                yield key.decode("utf-8"), value
            except UnicodeDecodeError:
                fault = "a name in its index is no text"
                raise _Damaged(fault) from None


def _handle(data: bytes, place: int) -> tuple[tuple[int, int], int]:
    offset, place = _varint(data, place)
    size, place = _varint(data, place)
    return (offset, size), place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A whole number of 7 bits a byte, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            fault = "a number in its index is cut off"
            raise _Damaged(fault)
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    fault = "a number in its index does not end"
    raise _Damaged(fault)


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key shares its beginning with the one before."""
    end = offset + size
    if size < 4 or end + _TRAILER > len(table):
        fault = "a block lies outside of its index"
        raise _Damaged(fault)
    if table[end]:
        fault = "its index is compressed, which TensorFlow does not do"
        raise _Damaged(fault)
    block = table[offset:end]
    if _masked(table[offset : end + 1]) != struct.unpack("<I", table[end + 1 : end + _TRAILER])[0]:
        fault = "a block of its index does not have its checksum"
        raise _Damaged(fault)
    restarts = struct.unpack("<I", block[-4:])[0]
    limit = len(block) - 4 - 4 * restarts
    place, key = 0, b""
    while place < limit:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        if shared > len(key) or place + own + length > limit:
            fault = "an entry of its index is longer than its block"
            raise _Damaged(fault)
        key = key[:shared] + block[place : place + own]
        yield key, block[place + own : place + own + length]
        place += own + length


def _masked(data: bytes) -> int:
    """LevelDB's masked CRC-32C."""
    value = int(crc32c(np.frombuffer(data, dtype=np.uint8)))
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and contents of a protocol buffer's fields."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, place = _varint(message, place)
        elif kind in {1, 5}:
            length = 8 if kind == 1 else 4
        else:
            fault = f"an entry has a field of the unknown kind {kind}"
            raise _Damaged(fault)
        if place + length > len(message):
            fault = "a field of an entry is cut off"
            raise _Damaged(fault)
        yield tag >> 3, message[place : place + length]
        place += length


def _tensor(name: str, entry: bytes, content: bytes) -> NDArray[np.generic] | None:
    """One tensor, from its ``BundleEntryProto``; ``None`` for a text, such as the description of objects."""
    numbers = {1: 0, 3: 0, 4: 0, 5: 0}
    shape: list[int] = []
    checksum = None
    for key, value in _fields(entry):
        if key in numbers and isinstance(value, int):
            numbers[key] = value
        elif key == 2 and isinstance(value, bytes):
            shape = [_size(dimension) for number, dimension in _fields(value) if number == 2]
        elif key == 6 and isinstance(value, bytes):
            checksum = struct.unpack("<I", value)[0]
    if numbers[1] == _TEXT:
        return None
    dtype = _DTYPES.get(numbers[1])
    if dtype is None:
        fault = f"the tensor {name} has a type that is not a number ({numbers[1]})"
        raise _Damaged(fault)
    offset, size = numbers[4], numbers[5]
    wanted = math.prod(shape) * np.dtype(dtype).itemsize
    if numbers[3] or size != wanted or offset + size > len(content):
        fault = f"the tensor {name} {shape} does not lie where its index says"
        raise _Damaged(fault)
    raw = content[offset : offset + size]
    if checksum is not None and _masked(raw) != checksum:
        fault = f"the tensor {name} does not have its checksum"
        raise _Damaged(fault)
    return np.frombuffer(raw, dtype=np.dtype(dtype).newbyteorder("<")).reshape(shape).astype(dtype)


def _size(dimension: int | bytes) -> int:
    if isinstance(dimension, bytes):
        for key, value in _fields(dimension):
            if key == 1 and isinstance(value, int) and value < _MOST_BYTES:
                return value
        if not dimension:
            return 0
    fault = "a tensor's shape is none"
    raise _Damaged(fault)
