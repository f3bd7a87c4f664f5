"""The project's file helpers, for commands."""

from __future__ import annotations

from dnnexplain.files import atomic_write, check_writable, reason
from dnnexplain.reading import read_json, read_text

__all__ = ["atomic_write", "check_writable", "read_json", "read_text", "reason"]
