"""The gallery's drawings: waiting jobs as the network sees them."""

from __future__ import annotations

from dnnexplain.drawings import COLOURS, WIDE, drawing, rectangle

__all__ = ["five_jobs", "ten_jobs"]

_JOBS = (
    (5, 2, 8),
    (3, 7, 4),
    (11, 8, 2),
    (7, 1, 6),
    (13, 2, 3),
    (2, 6, 1),
    (9, 3, 7),
    (4, 2, 5),
    (12, 1, 9),
    (6, 4, 2),
)
"""Length, CPU, memory, as in the paper's Figure 4 for the first three."""


def five_jobs() -> str:
    """Five waiting jobs."""
    return _jobs(5)


def ten_jobs() -> str:
    """Ten waiting jobs."""
    return _jobs(10)


def _jobs(slots: int) -> str:
    """Waiting jobs as the network sees them: CPU above, memory below, length downwards."""
    pitch = (WIDE - 40) / slots
    wide = pitch - 6
    parts = []
    for slot, (length, cpu, memory) in enumerate(_JOBS[:slots]):
        x = 20 + slot * pitch
        for row, units in enumerate((cpu, memory)):
            y = 14 + row * 64
            parts.append(rectangle(x, y, wide, 56, "var(--card)", round_=3))
            parts.append(rectangle(x, y, wide * units / 10, 56 * length / 15, COLOURS[slot], round_=3))
    return drawing(*parts)
