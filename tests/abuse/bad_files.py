"""Every option that may name a file, found in the parser of the command line, and files of bad will for it.

Nothing here names an option: a new one is tried from the day it exists. ``benchmarks/bad_files.py`` gives every file to
every option, and looks whether there are options that read a file and do not say so.
"""

import gzip
import io
import os
import random
import re
import signal
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from typing import NamedTuple

import numpy as np
from typer.main import get_command

from dnnexplain import cli
from dnnexplain.cli.network_options import add_network_options
from dnnexplain.contract import DnnExplainError

__all__ = [
    "SECONDS",
    "End",
    "bad_files",
    "ended",
    "in_one_process",
    "line_for",
    "small_network",
    "text_options",
    "told_as_file",
]

SECONDS = 10
"""Of processor time, that a command may take with a bad file; most take a tenth of one."""

NO_INPUT = {"system", "name", "base_url", "allow_host", "ip", "dask"}
"""Parameters whose text is no file whatever it is."""

WRITES = re.compile(
    r"(Also )?(write|draw|keep|save|where to write|folder of the|the HTML file to write)\b", re.IGNORECASE
)
"""How the help of what is written to begins."""

ASIDE = re.compile(r"in (a|that) file|where its file does not say|, as in .*")
"""Where help speaks of a file that is another option's."""

TINY = {
    "evaluate": "--sets 1",
    "attack": "--rounds 1 --oracle-seconds 0",
    "transfer": "--sets 1 --jobs 1",
    "distill": "--sets 2 --unseen 2 --seeds 1 --rounds 1 --leaves 3",
    "worst-case": "--rounds 1 --budget 1",
    "regions": "--sets 1 --states 2",
    "hypotheses": "--sets 1 --states 2 --pairs 1",
    "guard": "--sets 1 --rounds 1 --cycles 0 --tries 1",
    "stress": "--budget 1 --jobs 1 --oracle-seconds 0 --proofs 0 --out {folder}/report",
    "room": "--sets 1 --jobs 1 --oracle-seconds 0",
    "probe": "--neuron 0 --restarts 1",
    "generate": "--sets 1 --out {folder}/drawn",
    "train": "--out {folder}/net.safetensors",
    "replay": "--out {folder}/steps.npz",
    "export": "{folder}/page.html",
    "app": "--no-browser",
    "serve": "--no-browser",
    "lab": "--no-browser",
}
"""Little to do where a file is taken after all."""

WITH = {
    ("attack", "resume"): "--workload {family}",
    ("attack", "guard"): "--workload {family}",
    ("attack", "policy"): "--workload {family}",
    ("replay", "actions"): "--workload {family}",
    ("replay", "policy"): "--workload {family}",
    ("replay", "guard"): "--policy untrained --workload {family}",
    ("prove", "state"): "--property robust --seconds 1",
    ("prove", "policy"): "--property robust --seconds 1",
    ("generate", "like"): "--fit autoregressive",
    ("worst-case", "workload"): "--history-only --unit b/s",
    **{("replay", name): "--policy {rule}" for name in ("jobs", "matrices", "trace", "log", "file")},
    ("explain", "workload"): "--survey 1",
}
"""What an option stands beside, if alone it is refused, or not used, before its file is looked at."""

OF_NETWORK = {"architecture", "normalize"}
"""What says how a network is read stands beside one."""


def text_options(command, system):
    """The parameters of a command that take text or a path, without those that are no input."""
    found = get_command(_app((command, system)))
    add_network_options(found)
    for parameter in found.commands[command].params:
        kind = str(getattr(getattr(parameter, "type_descriptor", None), "annotation", "str"))
        inward = parameter.name not in NO_INPUT and not WRITES.match(parameter.help or "")
        if inward and ("str" in kind or "Path" in kind):
            yield parameter


def told_as_file(parameter):
    """Whether the parser says that it names a file or a folder."""
    kind = str(getattr(getattr(parameter, "type_descriptor", None), "annotation", "str"))
    words = ASIDE.sub("", parameter.help or "")
    return "Path" in kind or re.search(r"\b(file|folder)\b|\(?\.[a-z]{2,3}\b", words) is not None


def small_network(file):
    """Weights that fit the scheduler, in a file that does not say of what form they are."""
    import torch

    from dnnexplain.systems import make_system

    system = make_system("deeprm")
    cells, outputs = system.encode(np.array([[knob.start for knob in system.knobs]])).size, len(system.output.names)
    weights = {"0.weight": torch.zeros(4, cells), "0.bias": torch.zeros(4), "2.weight": torch.zeros(outputs, 4)}
    torch.save(weights | {"2.bias": torch.zeros(outputs)}, file)


def line_for(command, system, parameter, file, folder):
    """The command line that gives an option a file."""
    from dnnexplain.registry import spec_of

    alone = command in {"serve", "lab"}
    family, rule = spec_of(system).family().name, next(iter(spec_of(system).rules))
    beside = "--policy {network}" if parameter.name in OF_NETWORK else WITH.get((command, parameter.name), "")
    words = f"{TINY.get(command, '')} {beside}"
    filled = words.format(folder=folder, family=family, network=folder / "network.pt", rule=rule).split()
    flag = [parameter.opts[0]] if parameter.opts[0].startswith("-") else []
    return [command, *([] if alone else [system]), *filled, *flag, str(file)]


def bad_files(folder):
    """Files of bad will, by what is wrong with them. A pipe that stays silent is among them."""
    draw = random.Random(7)
    written = {
        "empty": b"",
        "empty.json": b"",
        "noise": draw.randbytes(700),
        **{f"noise.{end}": draw.randbytes(700) for end in ("json", "csv", "pt", "safetensors", "onnx", "zip", "gz", "xml", "toml", "npz")},
        "deep.json": b"[" * 10**5,
        "deep": b'{"a":' * 10**5,
        "digits.json": b'{"values": [%s]}' % (b"7" * 4300),
        "digits.csv": b"a,b,c\n1,2,%s\n" % (b"7" * 4300),
        "bomb.gz": gzip.compress(bytes(1 << 24), 1) * 32,
        "null.json": b"null",
        "list.json": b"[[]]",
        "other.json": b'{"some": {"thing": [{"else": null}]}}',
    }  # fmt: skip
    for name, content in written.items():
        (folder / name).write_bytes(content)
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "folder" / "x.json").write_bytes(b"{")
    files = {name: folder / name for name in (*written, "pipe", "folder", "missing.json")}
    return files | {"device": "/dev/zero", "below a file": folder / "empty" / "x", "long": folder / ("x" * 300)}


class End(NamedTuple):
    """How a command ended."""

    code: object
    said: str
    seconds: float

    @property
    def fault(self):
        """What is wrong with that for a command that was given a bad file; empty if nothing."""
        if self.code != 2:
            return f"ended with {self.code}"
        if self.said.count("\n") > 2 or "Traceback" in self.said:
            return "said more than a sentence or two"
        return "" if self.seconds < SECONDS else f"took {self.seconds:.0f} s"


class _HangError(BaseException):
    pass


def ended(line):
    """Run a command line in this process, and see how it ends."""
    out, err = io.StringIO(), io.StringIO()
    begun = time.process_time()
    signal.alarm(30 * SECONDS)  # by the clock: of what waits, and of a busy machine
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.main(line)
    except _HangError:
        code = "a hang"
    finally:
        signal.alarm(0)
    return End(code, err.getvalue(), time.process_time() - begun)


@contextmanager
def in_one_process(monkeypatch):
    """Servers do not start, silent pipes are waited for a moment, hangs end."""

    def refuse(*_arguments, **_named):
        msg = "no server starts here"
        raise DnnExplainError(msg)

    def hang(*_arguments):
        raise _HangError

    monkeypatch.setattr("dnnexplain.app.server.run_server", refuse)
    monkeypatch.setattr("dnnexplain.cli.lab._run", refuse)
    monkeypatch.setenv("DNNEXPLAIN_MAX_SECONDS", "0.2")
    before = signal.signal(signal.SIGALRM, hang)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


@cache
def _app(beginning):
    return _make_app(list(beginning))


_make_app = cli.make_app
