"""What somebody of bad will may do to a server, in a few lines each."""

import json
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path
from uuid import uuid4

__all__ = ["Channel", "ask", "children", "half_a_post", "megabytes"]

KERNEL = re.compile(r'"kernelId":\s*"([0-9a-f-]{36})"')


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments):
        return None


def ask(url, method="GET", timeout=240, **headers):
    """Code, headers and text of an answer; redirections are answers."""
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode(errors="replace")


def half_a_post(port, size, sent):
    """A request with a body that is announced and partly sent; the open socket."""
    one = socket.create_connection(("127.0.0.1", port), timeout=20)
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    one.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
    try:
        for _ in range(sent // 2**16):
            one.sendall(b"x" * 2**16)
    except OSError:
        pass  # refused: that is what is hoped for
    return one


def children(pid):
    """The processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def megabytes(pid, what="VmHWM"):
    """The most memory that a process had (``VmRSS``: has)."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024


class Channel:
    """A page's websocket, without the page: says anything to its kernel."""

    def __init__(self, url, kernel, cookie="", protocol=None):
        import websocket

        address = f"{url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?session_id={uuid4()}"
        self.socket = websocket.create_connection(
            address, cookie=cookie, subprotocols=[protocol] if protocol else None, timeout=60
        )

    def send(self, data):
        """Send bytes, or a text."""
        (self.socket.send_binary if isinstance(data, bytes) else self.socket.send)(data)

    def ended(self):
        """The code and reason with which the server closes, or nothing."""
        import websocket

        while True:
            try:
                kind, data = self.socket.recv_data()
            except (websocket.WebSocketException, OSError):
                kind, data = websocket.ABNF.OPCODE_CLOSE, b""
            if kind == websocket.ABNF.OPCODE_CLOSE:
                self.socket.shutdown()
                return int.from_bytes(data[:2], "big"), data[2:].decode()

    def answers(self):
        """Whether the kernel still says what it is."""
        header = {
            "msg_type": "kernel_info_request",
            "msg_id": "1",
            "session": "abuse",
            "username": "",
            "version": "5.3",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": {}, "channel": "shell"}
        self.send(json.dumps(message))
        while True:
            data = self.socket.recv()
            if data and "kernel_info_reply" in (data if isinstance(data, str) else data.decode(errors="replace")):
                return True

    def close(self):
        """As when the page is closed."""
        self.socket.shutdown()
