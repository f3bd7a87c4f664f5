"""The command that a deployment report says it came from runs again as it stands, by a shell."""

import shlex
from pathlib import Path

from dnnexplain.cli.stress import _commands
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.registry import spec_of


def again(name, like, **given):
    options = SystemOptions(spec_of(name), **given)
    made = _commands(name, options, "default", like, "", 0.0, 1.0, 150, 0, Path("a report"), ["unsafe > 0"])
    return shlex.split(made.again)


def test_what_was_said_of_a_log_is_said_again():
    words = again("routing", Path("my matrices.txt"), workload={"unit": "100 bytes per 5 minutes"})
    assert words[words.index("--like") + 1] == "my matrices.txt"
    assert words[words.index("--unit") + 1] == "100 bytes per 5 minutes"
    assert words[words.index("--out") + 1] == "a report"
    assert words[words.index("--fail-if") + 1] == "unsafe > 0"


def test_options_that_are_on_or_off_are_flags():
    words = again("abr", None, system={"free_times": True, "wrap": False, "buffer_limit": 20.0})
    assert "--free-times" in words
    assert "--no-wrap" in words
    assert not {"True", "False"} & set(words)
    assert words[words.index("--buffer-limit") + 1] == "20.0"
