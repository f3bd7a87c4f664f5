"""A server put far away: a proxy on this machine that hands every byte on only after a delay, each way.

    python benchmarks/far.py --to 8866 --port 9000 --delay 50

Pages, scripts and websockets all go through it, so a page behaves as behind a line with a round trip of
twice the delay.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib


async def hand_on(reader, writer, delay):
    """Pass bytes on ``delay`` seconds after they came, in order; at the end close the other side."""
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue()

    async def send():
        while (item := await waiting.get()) is not None:
            due, chunk = item
            await asyncio.sleep(max(0.0, due - loop.time()))
            writer.write(chunk)
            await writer.drain()

    sender = asyncio.create_task(send())
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            waiting.put_nowait((loop.time() + delay, chunk))
    waiting.put_nowait(None)
    with contextlib.suppress(ConnectionError):
        await sender
    writer.close()


async def serve(port, to, delay):
    """Listen on ``port`` and hand every connection on to port ``to`` of this machine."""

    async def connect(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(hand_on(reader, far_writer, delay), hand_on(far_reader, writer, delay))

    server = await asyncio.start_server(connect, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True, help="where to listen")
    parser.add_argument("--to", type=int, required=True, help="the port of the server")
    parser.add_argument("--delay", type=float, default=50.0, help="milliseconds, each way")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.port, options.to, options.delay / 1e3))


if __name__ == "__main__":
    main()
