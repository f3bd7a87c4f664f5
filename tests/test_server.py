"""The command that serves pages: what the server says on its way is told, but for what nobody can act on."""

import sys

from dnnexplain.app.server import Server

TALK = """
print("[Pages] ERROR | a cell failed")
print("The websocket_ping_timeout (90000) cannot be longer than the websocket_ping_interval (30000).")
print("Setting websocket_ping_timeout=30000")
print("Traceback: why")
"""


def test_errors_of_the_server_are_told_and_idle_talk_is_not(capsys):
    server = Server([sys.executable, "-c", TALK], {}, "http://127.0.0.1:9/")
    assert server.wait() == 0
    assert capsys.readouterr().err.splitlines() == ["[Pages] ERROR | a cell failed", "Traceback: why"]


def test_a_server_that_says_more_than_a_pipe_holds_goes_on_to_its_end(capsys):
    server = Server([sys.executable, "-c", "for i in range(20_000): print('line', i)"], {}, "http://127.0.0.1:9/")
    assert server.wait() == 0
    assert capsys.readouterr().err.splitlines()[-1] == "line 19999"
