"""Pickles as Python 2's cPickle wrote them, put together by hand; and hostile ones."""

from __future__ import annotations

import struct

import numpy as np

__all__ = ["py2_array", "py2_pickle"]


def _integer(value: int) -> bytes:
    if value < 256:
        return b"K" + bytes([value])
    if value < 65536:
        return b"M" + struct.pack("<H", value)
    return b"J" + struct.pack("<i", value)


def py2_array(array: np.ndarray, *, raw: bytes | None = None, shape: tuple[int, ...] | None = None) -> bytes:
    """One array in protocol 2; ``raw`` and ``shape`` lie about what it holds."""
    code = array.dtype.str[1:].encode()
    order = array.dtype.str[:1].encode()
    data = array.tobytes() if raw is None else raw
    sizes = b"(" + b"".join(map(_integer, array.shape if shape is None else shape)) + b"t"
    dtype = b"cnumpy\ndtype\nU" + bytes([len(code)]) + code + b"K\x00K\x01\x87R"
    dtype += b"(K\x03U\x01" + order + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    start = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return start + b"(K\x01" + sizes + dtype + b"\x89T" + struct.pack("<i", len(data)) + data + b"tb"


def py2_pickle(items: list[bytes]) -> bytes:
    """A list of pickled things in protocol 2."""
    return b"\x80\x02]q\x01(" + b"".join(items) + b"e."
