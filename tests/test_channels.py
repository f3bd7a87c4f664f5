"""Messages to pages of the older protocol do not hang the server; those of v1 are read as before."""

import json
import struct

import pytest

pytest.importorskip("voila")

from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.services.kernels.connection.base import serialize_binary_message, serialize_msg_to_ws_v1
from tornado.web import StaticFileHandler

from dnnexplain.app.channels import ChannelHandler, VoilaKernelWebsocketHandler, is_numbered


@pytest.fixture
def sent(monkeypatch):
    messages = []
    base = VoilaKernelWebsocketHandler.__mro__[1]
    monkeypatch.setattr(
        base, "write_message", lambda _self, message, binary=False: messages.append(message), raising=False
    )
    return messages


def handler():
    return object.__new__(ChannelHandler)


def older(buffer):
    header = {"msg_type": "comm_msg", "date": None}
    return serialize_binary_message(
        {"header": header, "parent_header": {}, "metadata": {}, "content": {}, "buffers": [buffer]}
    )


@given(st.binary(max_size=200))
def test_a_message_of_the_older_protocol_is_known_by_its_count(buffer):
    assert not is_numbered(older(buffer))


@given(st.lists(st.binary(max_size=50), min_size=4, max_size=8))
def test_a_message_of_v1_is_known_too(parts):
    assert is_numbered(serialize_msg_to_ws_v1(parts, "iopub"))


def test_a_message_of_the_older_protocol_is_sent_at_once(sent):
    message = older(b"x" * 100)
    assert struct.unpack("!i", message[:4])[0] == 2
    handler().write_message(message, binary=True)
    assert sent == [message]


@pytest.mark.parametrize(("kind", "count"), [("execute_input", 0), ("comm_msg", 1)])
def test_v1_goes_voilas_way(sent, kind, count):
    parts = [json.dumps({"msg_type": kind}).encode(), b"{}", b"{}", b"{}"]
    handler().write_message(serialize_msg_to_ws_v1(parts, "iopub"), binary=True)
    assert len(sent) == count


def test_the_server_uses_it():
    from dnnexplain.app.voila_pages import _safe

    assert issubclass(_safe(("/x", VoilaKernelWebsocketHandler))[1], ChannelHandler)
    pattern, kind, options = _safe(("/y", StaticFileHandler, {"path": "a"}))
    assert (pattern, options) == ("/y", {"path": "a"})
    assert issubclass(kind, StaticFileHandler)
