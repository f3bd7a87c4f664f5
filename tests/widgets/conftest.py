"""Panels without a browser: a comm that records what would go to the page."""

from __future__ import annotations

import json
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm

from dnnexplain.policies import TorchPolicy
from dnnexplain_widgets import Session
from tests.fakes import FakeChoice, linear_network
from tests.widgets.rings import CASES, RING, drawn_router


class RecordingComm(BaseComm):
    """Notes every message instead of sending it."""

    sent: list[dict[str, Any]] = []  # noqa: RUF012 - one list for all comms of a test

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        size = len(json.dumps(data or {})) + len(json.dumps(metadata or {})) + sum(len(b) for b in buffers or ())
        self.sent.append(
            {"comm": self.comm_id, "type": msg_type, "data": data, "bytes": size, "buffers": buffers or []}
        )


@pytest.fixture
def sent(monkeypatch):
    """The messages that go down to the page, in order."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(RecordingComm, "sent", messages)
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    return messages


@pytest.fixture
def gate():
    return FakeChoice()


@pytest.fixture
def network(gate):
    return TorchPolicy(linear_network(gate), gate, name="linear")


@pytest.fixture
def session(gate, network):
    return Session(gate, network)


@pytest.fixture
def seeing_history():
    """A session on the ring with a router that sees the past."""
    return Session(CASES, CASES.seen_by(drawn_router(2)))


@pytest.fixture
def seeing_now():
    """A session on the ring with a router that sees the matrix to route."""
    return Session(RING, drawn_router())
