"""The project's file helpers, for commands."""

from __future__ import annotations

from dnnexplain.files import atomic_write, check_writable, read_json, read_text, reason

__all__ = ["atomic_write", "check_writable", "read_json", "read_text", "reason"]
