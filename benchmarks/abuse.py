"""Abuse for as long as one likes: noise and damage for everything that strangers can send, with other seeds each time.

    python benchmarks/abuse.py --minutes 10 --seed 7

The suite has the same attacks with fixed seeds (``tests/abuse``). This one prints what it tried, and ends with
code 1 and the input at the first thing that was neither an answer nor one of our refusals.
"""

import argparse
import json
import random
import resource
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from dnnexplain.app.channels import V1, why_refused
from dnnexplain.app.guard import known_host
from dnnexplain.contract import DnnExplainError
from dnnexplain_widgets.uploads import brought, checked

MEMORY = 3 * 2**30


def messages(draw):
    """A damaged kernel message; what is passed on must be readable by Jupyter."""
    header = {"msg_type": "comm_msg", "msg_id": "1", "date": None}
    buffers = [draw.randbytes(draw.randrange(60)) for _ in range(draw.randrange(5))]
    if draw.random() < 0.5:
        parts = [json.dumps(header).encode(), b"{}", b"{}", b"{}", *buffers]
        message, protocol = bytearray(serialize_msg_to_ws_v1(parts, "shell")), V1
    else:
        whole = {"header": header, "parent_header": {}, "metadata": {}, "content": {}, "channel": "shell"}
        message, protocol = bytearray(serialize_binary_message({**whole, "buffers": buffers})), None
    for _ in range(draw.randrange(6)):
        message[draw.randrange(min(len(message), 90))] = draw.randrange(256)
    if draw.random() < 0.3:
        message[:8] = struct.pack("<Q", draw.getrandbits(64))
    given = bytes(message[: draw.randrange(len(message) + 1)]) if draw.random() < 0.3 else bytes(message)
    if not why_refused(given, protocol):
        (deserialize_msg_from_ws_v1 if protocol else deserialize_binary_message)(given)
    return given


def uploads(draw):
    """Anything in place of a file."""
    anything = [
        b"x" * draw.randrange(99),
        draw.getrandbits(70),
        "text",
        None,
        [1],
        {},
        draw.random(),
        memoryview(b"abc"),
    ]
    name = "".join(
        chr(draw.choice([0, 10, 46, 47, 92, *range(32, 127), 0x202E, 0xD800, 0x1F600]))
        for _ in range(draw.randrange(300))
    )
    given = {
        "name": draw.choice(anything),
        "file": draw.choice([name, name, *anything]),
        "content": draw.choice(anything),
    }
    try:
        _, file, content = checked(given)
        with brought(file, content) as path:
            assert path.read_bytes() == content
    except DnnExplainError:
        pass
    return given


def hosts(draw):
    """Host headers: only this machine's own names, and those allowed, are known."""
    own = ("localhost", "127.0.0.1", "[::1]", "127.9.9.9", "gallery.example")
    host = draw.choice(own) + draw.choice(["", ":80", ":x", ".evil", "@evil", " ", "\t", "evil", ":80:80", "]"])
    if known_host(host, ("gallery.example",)):
        assert "evil" not in host, host
    return host


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    draw, tried = random.Random(given.seed), dict.fromkeys((messages, uploads, hosts), 0)
    slowest, end = 0.0, time.monotonic() + 60 * given.minutes
    while time.monotonic() < end:
        for attack in tried:
            state, began = draw.getstate(), time.process_time()
            try:
                attack(draw)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
                draw.setstate(state)
                print(
                    f"{attack.__name__}: {type(error).__name__}: {error}; after {tried[attack]} with seed {given.seed}"
                )
                return 1
            tried[attack] += 1
            slowest = max(slowest, time.process_time() - began)
    for attack, count in tried.items():
        print(f"{attack.__name__}: {count:,} tried")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"nothing got through; slowest {1000 * slowest:.1f} ms, most memory {peak:,.0f} MB, seed {given.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
