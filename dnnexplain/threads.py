"""How many threads torch uses, for as long as something runs: it is one number of the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["torch_threads"]


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run torch on so many threads, and on as many as before when it is over."""
    import torch  # noqa: PLC0415 - two seconds

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
