"""Kernel messages on their way to the page, whichever protocol the page speaks."""

from __future__ import annotations

from typing import Any

from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

__all__ = ["ChannelHandler", "is_numbered"]


def is_numbered(message: bytes) -> bool:
    """Whether a binary message can be of Jupyter's protocol v1: a count of offsets, then that many offsets."""
    count = int.from_bytes(message[:8], "little")
    return len(message) >= 8 * (count + 1)


class ChannelHandler(VoilaKernelWebsocketHandler):  # type: ignore[misc] # voila ships no types
    """Voila's handler, but safe with pages that speak the older protocol.

    Voila 0.5 takes the first eight bytes of every binary message for a count. A page without the v1 protocol
    (an older client, a proxy that drops the header) is sent other bytes there, and Voila counts to some 10**17:
    the server hangs and eats memory until it is killed, for everyone.
    """

    def write_message(self, message: bytes | dict[str, Any], binary: bool = False) -> Any:
        """Send a message; what is not of protocol v1 goes on unread."""
        if isinstance(message, bytes) and not is_numbered(message):
            return super(VoilaKernelWebsocketHandler, self).write_message(message, binary)
        return super().write_message(message, binary)
