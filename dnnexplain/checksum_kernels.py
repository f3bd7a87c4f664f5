"""CRC-32C (Castagnoli), compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["crc32c"]


def _table():
    table = np.zeros(256, dtype=np.uint32)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table[byte] = value
    return table


_TABLE = _table()


@njit(cache=True, nogil=True)
def crc32c(data):
    """Of bytes ``[n]`` (uint8)."""
    value = np.uint32(0xFFFFFFFF)
    for byte in data:
        value = _TABLE[(value ^ byte) & np.uint32(0xFF)] ^ (value >> np.uint32(8))
    return value ^ np.uint32(0xFFFFFFFF)
