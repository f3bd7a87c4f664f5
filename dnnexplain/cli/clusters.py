"""``--dask``: a cluster that a command's work runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from dnnexplain.contract import DnnExplainError

__all__ = ["DASK", "workers"]

DASK: str = typer.Option("", help="Run on a Dask cluster: its scheduler's address, e.g. tcp://host:8786; or 'local'.")


@contextmanager
def workers(address: str) -> Iterator[dict[str, Any]]:
    """Where work runs, as arguments of a map (:func:`~dnnexplain.parallel.seeded_map`); without an address, here.

    Raises:
        DnnExplainError: Dask is not installed, or no scheduler answers there.
    """
    if not address:
        yield {}
        return
    with _client(address) as client:
        yield {"backend": "dask", "client": client}


def _client(address: str) -> Any:
    from dnnexplain import parallel

    try:
        from distributed import Client
    except ImportError:
        msg = "--dask needs Dask: pip install 'dnnexplain[dask]'"
        raise DnnExplainError(msg) from None
    try:
        if address == "local":
            return Client(threads_per_worker=1, dashboard_address=":0")
        return Client(address, timeout=parallel.CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address!r} ({error}); start one with: dask scheduler"
        raise DnnExplainError(msg) from None
