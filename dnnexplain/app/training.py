"""Training for the dashboard: a process of its own, so that the page never waits for it.

The process saves its run after every iteration. Stopping it loses at most the iteration under way, and
going on ends with the same weights as a run that was never stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError, Policy, System
from dnnexplain.registry import spec_of

__all__ = ["Course", "School"]

_WORKER = "dnnexplain.app.train_worker"
_LAST_WORDS = 3


class School:
    """What a panel needs to have a network taught; see ``dnnexplain_widgets.panels.training``.

    Args:
        system: whose networks are trained; it must be able to run episodes in batches.
    """

    def __init__(self, system: System) -> None:
        self.system: Any = system
        self.teachers = dict(spec_of(system).teachers)
        self.workloads = {"home": "the training workload", "mix": "a mix of shifted workloads"}

    def course(self, policy: Policy, lesson: Mapping[str, Any]) -> Course:
        """A training run of a policy's network; nothing is started yet.

        Args:
            policy: the network to begin from; it is not changed.
            lesson: ``teacher`` (a name in ``teachers``), ``strength``, ``weight``, ``decay``, ``workload``,
                ``iterations``, ``seed``; and ``tree``, the JSON text of a tree that is to be the teacher.

        Raises:
            DnnExplainError: the policy has no network, or the system's networks cannot be trained.
        """
        from dnnexplain.policies import TorchPolicy, save  # noqa: PLC0415 - loads torch

        if not isinstance(policy, TorchPolicy):
            msg = f"{policy.name} is not a network, so it cannot be trained; choose a network at the top of the page"
            raise DnnExplainError(msg)
        folder = Path(tempfile.mkdtemp(prefix="dnnexplain-training-"))
        save(folder / "start.safetensors", policy.copy(), {"masked": policy.masked}, system=self.system)
        data = {"system": {"name": self.system.name, "parameters": self.system.parameters}, "lesson": dict(lesson)}
        (folder / "course.json").write_text(json.dumps(data))
        return Course(self.system, folder, policy.name)

    def code(self, lesson: Mapping[str, Any]) -> tuple[str, ...]:
        """A lesson as Python, given ``system`` and ``policy``; it ends with the trained network in ``taught``."""
        from dnnexplain.app.train_worker import CHECKS  # noqa: PLC0415

        return (
            "from dnnexplain.app.train_worker import lesson_recipe",
            "from dnnexplain.app.training import School",
            "from dnnexplain.policies import TorchPolicy",
            "from dnnexplain.policies.training import Trainer",
            f"recipe, rules = lesson_recipe({dict(lesson)!r}, system, policy)",
            f"checks = {CHECKS[lesson['workload']]}",
            f"trainer = Trainer(system, recipe, seed={int(lesson['seed'])}, start=policy, rules=rules, checks=checks)",
            "trainer.run()",
            "print(trainer.progress.curve[-1])",
            "taught = TorchPolicy(trainer.module, system)",
        )


class Course:
    """One training run: followed until it ends or is stopped, gone on with, and its network taken.

    Args:
        system: of the network.
        folder: what the process reads and writes; it is removed with the course.
        name: of the network that it began from.
    """

    def __init__(self, system: Any, folder: Path, name: str) -> None:
        self.system, self.folder, self.name = system, folder, name
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._process: subprocess.Popen[str] | None = None
        self._stopped = threading.Event()

    def follow(self, tell: Callable[[Mapping[str, Any]], None]) -> bool:
        """Start the process, or go on, and report what it says; returns whether the end was reached.

        Called in a thread of its own: it waits for the process.

        Raises:
            DnnExplainError: the process failed; in its words.
        """
        self._stopped.clear()
        variable = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", _WORKER, str(self.folder)],
            env={**os.environ, **variable},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        finished = False
        with self._process as process:
            threading.Thread(target=self._end_if_stopped, args=(process,), daemon=True).start()
            for line in process.stdout or ():
                said = json.loads(line)
                if said["kind"] == "error":
                    raise DnnExplainError(said["text"])
                finished = finished or said["kind"] == "end"
                tell(said)
            trouble = process.stderr.read() if process.stderr else ""
        if process.returncode and not self._stopped.is_set():
            words = " ".join(trouble.strip().splitlines()[-_LAST_WORDS:]) or f"code {process.returncode}"
            msg = f"the training process ended early: {words}"
            raise DnnExplainError(msg)
        return finished

    def stop(self) -> None:
        """End the process; what it has saved stays, and :meth:`follow` goes on from there."""
        self._stopped.set()

    def _end_if_stopped(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            if self._stopped.wait(0.2):
                process.terminate()
                return

    def policy(self) -> Policy:
        """The network as it stood at the last point of the curve."""
        from dnnexplain.policies import load  # noqa: PLC0415 - loads torch

        path = self.folder / "taught.safetensors"
        if not path.exists():
            msg = "the network has learned nothing yet; let the training run to its first point"
            raise DnnExplainError(msg)
        return load(path, self.system)

    def save(self, file: str) -> Path:
        """Write the network to a file of weights."""
        target = Path(file)
        if not target.suffix:
            target = target.with_suffix(".safetensors")
        self.policy()  # says what is wrong if there is none
        target.write_bytes((self.folder / "taught.safetensors").read_bytes())
        return target
