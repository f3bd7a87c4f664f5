"""The project's file helpers, for commands."""

from __future__ import annotations

from dnnexplain.files import atomic_write, check_folder, check_writable, existing_folder, made_folder, reason
from dnnexplain.reading import read_json, read_text

__all__ = [
    "atomic_write",
    "check_folder",
    "check_writable",
    "existing_folder",
    "made_folder",
    "read_json",
    "read_text",
    "reason",
]
