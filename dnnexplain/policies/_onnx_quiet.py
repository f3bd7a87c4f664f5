"""Exports to ONNX that print nothing of their own.

torch 2.13 means to print the whole graph of a refused export only where its log is on, but asks for that by naming
the function that says it and not calling it: the log is on in every export, and prints past Python to the process's
own output. In an export of ours it is off. Exports are made one at a time: torch refuses a second one meanwhile, so that
nobody else's graph is kept back. What Python warns of is kept back for all threads alike, so only what the exporter itself
warns of is: another thread is told everything else.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import torch

__all__ = ["quiet_export"]

_OURS: ContextVar[bool] = ContextVar("_OURS", default=False)
_ONE = threading.RLock()
_EXPORTER = r"torch\.(onnx|jit)\b|dnnexplain\.policies\.onnx_files$"
"""Where the exporter's warnings come from; that it is the older one is said of the line that calls it."""


@contextmanager
def quiet_export() -> Iterator[None]:
    """No printed graph and no warning of the exporter from what is exported inside the block."""
    _watch()
    native: Any = torch._C  # noqa: SLF001 - what switches the log
    jit: Any = torch.jit
    switch, off = native._jit_set_onnx_log_enabled, False  # noqa: SLF001
    with _ONE:
        token, was = _OURS.set(True), native._jit_is_onnx_log_enabled()  # noqa: SLF001
        switch(off)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", category=jit.TracerWarning)
                warnings.filterwarnings("ignore", module=_EXPORTER)
                yield
        finally:
            switch(was)
            _OURS.reset(token)


@functools.cache
def _watch() -> None:
    """Once: the exporter's own switch asks first whose export it is."""
    from torch.onnx._internal.torchscript_exporter import utils  # noqa: PLC0415 - with the first export

    module: Any = utils
    theirs = module.setup_onnx_logging

    def switch(*given: Any, **more: Any) -> AbstractContextManager[Any]:
        return nullcontext() if _OURS.get() else theirs(*given, **more)

    module.setup_onnx_logging = switch
