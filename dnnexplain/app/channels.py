"""Kernel messages between page and server, in both directions: what is not well formed goes no further.

Jupyter takes counts and positions out of a message before it looks whether they can be true: eight bytes that
claim 2**31 parts make the server count that far, for everybody. Here a message is read as far as its own length
allows, and nothing is made from a number in it that was not compared with what is there.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

__all__ = ["CHANNELS", "MOST_PARTS", "MOST_TEXT", "ChannelHandler", "is_numbered", "why_refused"]

CHANNELS = ("shell", "control", "stdin")
"""The channels on which a page may speak."""

MOST_PARTS = 1024
"""Parts of a message: four of text, the rest buffers of widgets (a panel has a few)."""

MOST_TEXT = 8 * 2**20
"""Bytes of JSON in one message; files come as buffers, which are bytes and need no reading."""

MOST_HEADER = 2**16
"""Bytes of a message's header, the only part that the server itself reads."""

V1 = "v1.kernel.websocket.jupyter.org"
_REFUSED = 1008  # RFC 6455: policy violation
_PARTS_V1 = 6  # the channel's name, header, parent header, metadata, content, and the end


def is_numbered(message: bytes) -> bool:
    """Whether a binary message can be of Jupyter's protocol v1: a count of offsets, then that many offsets."""
    count = int.from_bytes(message[:8], "little")
    return len(message) >= 8 * (count + 1)


def why_refused(message: bytes | str, protocol: str | None) -> str:
    """Why a page's message is not passed on to its kernel; nothing if it is well formed.

    Args:
        message: a frame, as the browser sent it.
        protocol: the subprotocol that both agreed on: v1, or none for the older one.
    """
    if protocol == V1:
        return _why_not_v1(message)
    if isinstance(message, str):
        return _why_not_older(message.encode(errors="replace"))
    parts = _older_parts(message)
    if isinstance(parts, str):
        return parts
    return _why_not_older(message[parts[0] : parts[1]])


def _why_not_v1(message: bytes | str) -> str:
    if isinstance(message, str):
        return "a text, where protocol v1 sends bytes"
    count = int.from_bytes(message[:8], "little")
    if not (_PARTS_V1 <= count <= MOST_PARTS and len(message) >= 8 * (count + 1)):
        return "a count of parts that it does not have"
    offsets = struct.unpack_from(f"<{count}Q", message, 8)
    if not _in_order(offsets, 8 * (count + 1), len(message)) or offsets[-1] != len(message):
        return "parts that are not in it"
    channel, header = message[offsets[0] : offsets[1]], message[offsets[1] : offsets[2]]
    if channel not in {name.encode() for name in CHANNELS}:
        return "no channel of a page"
    if sum(offsets[at + 1] - offsets[at] for at in range(1, _PARTS_V1 - 1)) > MOST_TEXT:
        return "too much text"
    return _why_no_header(header)


def _older_parts(message: bytes) -> Sequence[int] | str:
    """Where the parts of a binary message of the older protocol begin, and its end; or why it has none."""
    count = struct.unpack_from("!I", message)[0] if len(message) >= 4 else 0
    if not (1 <= count <= MOST_PARTS and len(message) >= 4 * (count + 1)):
        return "a count of parts that it does not have"
    offsets = struct.unpack_from(f"!{count}I", message, 4)
    if not _in_order(offsets, 4 * (count + 1), len(message)):
        return "parts that are not in it"
    return (*offsets, len(message))


def _why_not_older(text: bytes) -> str:
    """Why a message of the older protocol is refused; the server reads its text as a whole."""
    if len(text) > MOST_TEXT:
        return "too much text"
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return "a text that is no JSON"
    if not (isinstance(read, dict) and read.get("channel", "shell") in CHANNELS):
        return "no channel of a page"
    for part in ("header", "parent_header", "metadata", "content"):
        if not isinstance(read.get(part), dict):
            return f"no {part}"
    return "" if isinstance(read["header"].get("msg_type"), str) else "no kind of message"


def _why_no_header(header: bytes) -> str:
    if len(header) > MOST_HEADER:
        return "too long a header"
    try:
        read = json.loads(header)
    except (ValueError, RecursionError):
        return "a header that is no JSON"
    return "" if isinstance(read, dict) and isinstance(read.get("msg_type"), str) else "no kind of message"


def _in_order(offsets: Sequence[int], first: int, end: int) -> bool:
    """Whether positions begin after the list of them, never go back, and stay inside the message."""
    steps = zip((first, *offsets), (*offsets, end), strict=True)
    return offsets[0] == first and all(before <= after for before, after in steps)


class ChannelHandler(VoilaKernelWebsocketHandler):  # type: ignore[misc] # voila ships no types
    """Voila's handler, but no message, from a page or to it, can stop the server.

    Voila 0.5 takes the first eight bytes of every binary message for a count, and so does Jupyter with what a
    page sends. A message that is refused closes the connection it came from; the kernel and other pages go on.
    """

    def on_message(self, ws_message: bytes | str) -> None:
        """Pass a page's message on to its kernel, if it is one."""
        reason = why_refused(ws_message, self.selected_subprotocol)
        if reason:
            self.close(_REFUSED, f"refused: {reason}")
            return
        try:
            super().on_message(ws_message)
        except Exception:  # noqa: BLE001 - whatever a page sends ends that page's connection, and nothing else
            self.close(_REFUSED, "refused: it cannot be passed on")

    def write_message(self, message: bytes | dict[str, Any], binary: bool = False) -> Any:
        """Send a message; what is not of protocol v1 goes on unread."""
        if isinstance(message, bytes) and not is_numbered(message):
            return super(VoilaKernelWebsocketHandler, self).write_message(message, binary)
        return super().write_message(message, binary)
