"""A small reverse proxy: what is below a prefix goes to a server, with the prefix cut off or left."""

import contextlib
import socket
import socketserver
from threading import Thread

__all__ = ["reverse_proxy"]


@contextlib.contextmanager
def reverse_proxy(port, prefix, *, cut):
    """The proxy's port; it serves nothing outside of the prefix."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.goal, server.prefix, server.cut, server.open = port, prefix, cut, set()
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            for one in list(server.open):  # a page's websocket would stay for ever
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            thread.join(10)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(2**16)
            if not line:
                return
            head += line
        method, path, rest = head.decode("latin-1").split(" ", 2)
        if not path.startswith(self.server.prefix):
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        path = "/" + path[len(self.server.prefix) :] if self.server.cut else path
        rest = rest.replace("Connection: keep-alive", "Connection: close")  # one request for each connection
        with socket.create_connection(("127.0.0.1", self.server.goal)) as there:
            self.server.open |= {there, self.connection}
            there.sendall(f"{method} {path} {rest}".encode("latin-1"))
            back = Thread(target=_pipe, args=(there.recv, self.connection))
            back.start()
            _pipe(self.rfile.read1, there)
            back.join()
        self.server.open -= {there, self.connection}


def _pipe(read, to):
    with contextlib.suppress(OSError):
        while data := read(2**16):
            to.sendall(data)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)
