"""Messages from a page that lie about themselves: none makes the server count, allocate or fail."""

import json
import struct
import tracemalloc

import pytest

pytest.importorskip("voila")

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from dnnexplain.app.channels import CHANNELS, MOST_HEADER, MOST_PARTS, MOST_TEXT, V1, why_refused

HEADER = {"msg_type": "comm_msg", "msg_id": "1", "date": None}


def v1(channel="shell", header=None, content=b"{}", buffers=()):
    parts = [json.dumps(header or HEADER).encode(), b"{}", b"{}", content, *buffers]
    return serialize_msg_to_ws_v1(parts, channel)


def older(buffers=(), **changed):
    message = {"header": HEADER, "parent_header": {}, "metadata": {}, "content": {}, "channel": "shell", **changed}
    return serialize_binary_message({**message, "buffers": list(buffers)})


def older_text(**changed):
    message = {"header": HEADER, "parent_header": {}, "metadata": {}, "content": {}, "channel": "shell", **changed}
    return json.dumps(message)


LIES = {
    "2**31 parts in 8 bytes": (struct.pack("!II", 2**31 - 1, 0), None),
    "2**32 parts": (b"\xff" * 8, None),
    "no parts": (struct.pack("!I", 0) + b"{}", None),
    "nothing": (b"", None),
    "one byte": (b"\x01", None),
    "2**60 parts, v1": ((2**60).to_bytes(8, "little") + b"x" * 64, V1),
    "nothing, v1": (b"", V1),
    "text on v1": ("{}", V1),
    "positions beyond the end, v1": (struct.pack("<7Q", 6, 56, 60, 2**40, 2**41, 2**42, 2**43), V1),
    "a number": ("1", None),
    "a list": ("[]", None),
    "no header": (older_text(header=None), None),
    "a header that is a list": (older_text(header=[]), None),
    "a kind that is a number": (older_text(header={"msg_type": 1}), None),
    "another channel": (older_text(channel="iopub"), None),
    "another channel, v1": (v1("iopub"), V1),
    "no JSON": ("{", None),
    "deep JSON": ("[" * 200_000, None),
    "deep header, v1": (serialize_msg_to_ws_v1([b"[" * 60_000, b"{}", b"{}", b"{}"], "shell"), V1),
    "long header, v1": (v1(header={**HEADER, "x": "y" * MOST_HEADER}), V1),
    "much text": (older_text(content={"x": "y" * (MOST_TEXT + 1)}), None),
    "much text, v1": (v1(content=b'"' + b"y" * MOST_TEXT + b'"'), V1),
    "many parts": (older([b""] * MOST_PARTS), None),
    "many parts, v1": (v1(buffers=[b""] * MOST_PARTS), V1),
    "surrogates": ("\ud800", None),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_without_counting_as_far_as_it_says(name):
    message, protocol = LIES[name]
    size = len(message)
    tracemalloc.start()
    reason = why_refused(message, protocol)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reason
    assert len(reason) < 100
    assert peak < 4 * size + 2**20


buffers = st.lists(st.binary(max_size=40), max_size=5)


@seed(1)
@settings(max_examples=60, deadline=None)
@given(buffers, st.sampled_from(CHANNELS))
def test_what_a_page_really_sends_is_passed_on(given_buffers, channel):
    assert why_refused(v1(channel, buffers=given_buffers), V1) == ""
    assert why_refused(older(given_buffers, channel=channel), None) == ""
    assert why_refused(older_text(channel=channel), None) == ""


@seed(2)
@settings(max_examples=400, deadline=None)
@given(st.data(), buffers, st.booleans())
def test_what_is_passed_on_after_any_damage_can_be_read_by_jupyter(data, given_buffers, new):
    message = bytearray(v1(buffers=given_buffers) if new else older(given_buffers))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(message) - 1, 80)))
        message[at] = data.draw(st.integers(0, 255))
    cut = bytes(message[: data.draw(st.integers(0, len(message)))]) if data.draw(st.booleans()) else bytes(message)
    if why_refused(cut, V1 if new else None):
        return
    if new:
        channel, parts = deserialize_msg_from_ws_v1(cut)
        assert channel in CHANNELS
        assert len(parts) >= 4
        assert isinstance(json.loads(parts[0])["msg_type"], str)
    else:
        assert isinstance(deserialize_binary_message(cut)["header"]["msg_type"], str)


@seed(3)
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([V1, None]))
def test_noise_never_raises(message, protocol):
    assert isinstance(why_refused(message, protocol), str)
