"""Memory that ran out: known by every name that it has, and said in one sentence."""

from __future__ import annotations

import sys

__all__ = ["give_back", "hand_large_blocks_back", "memory_bound", "ran_out", "why_no_memory"]

_SIGNS = ("can't allocate memory", "cannot allocate memory", "bad_alloc", "not enough memory", "out of memory")


def ran_out(error: BaseException) -> bool:
    """Whether an error means that there is no memory left: Python's and numpy's own, or PyTorch's RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(sign in text for sign in _SIGNS)


def give_back() -> None:
    """Return freed memory to the machine, where the C library keeps it (glibc); milliseconds, and nothing elsewhere.

    After work on a network of 200 nodes that is 50 to 300 MB, which other kernels of a served page can use.
    """
    _of_glibc("malloc_trim", 0)


def hand_large_blocks_back() -> None:
    """From now on arrays of a megabyte or more return to the machine when they are freed (glibc), not at the next :func:`give_back`.

    The C library else raises its bound to what was freed last, up to 32 MB, and what lies below it is kept in pieces: with a
    network of 200 nodes some 100 MB. It costs time for each such array, so it is for large systems alone.
    """
    _of_glibc("mallopt", _M_MMAP_THRESHOLD, 1 << 20)


_M_MMAP_THRESHOLD = -3
"""glibc's number of the setting (``malloc.h``)."""


def _of_glibc(name: str, *arguments: int) -> None:
    """Call what glibc has, and others (musl, macOS, Windows) have not: there it is left out."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415

    call = getattr(ctypes.CDLL(None), name, None)
    if call is not None:
        call(*arguments)


def memory_bound() -> int | None:
    """MiB that this process was allowed to take (``RLIMIT_DATA``); ``None`` if nobody said, or on Windows."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not on Windows

    bound = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return None if bound == resource.RLIM_INFINITY else bound // 2**20


def why_no_memory() -> str:
    """The sentence: how much there was to have, who set it, and what to do."""
    bound = memory_bound()
    advice = "ask for less at a time (fewer sets, a smaller budget, fewer jobs)"
    if bound is None:
        return f"not enough memory; {advice}"
    return f"not enough memory: this process may take {bound:,} MB (set by --kernel-memory where pages are served); {advice}"
