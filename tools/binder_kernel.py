"""Run in Binder's environment: a kernel with the dashboard, and how much memory it takes. Prints one line of JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import start_new_kernel

FOUND = """
import json, os, torch, dnnexplain, voila
pages = open("/proc/self/smaps_rollup").read() if os.path.exists("/proc/self/smaps_rollup") else ""
own = sum(int(line.split()[1]) for line in pages.splitlines() if line.startswith("Private_"))
print(json.dumps({"kernel_gb": round(own / 1e6, 3), "torch": torch.__version__, "threads": torch.get_num_threads(),
                  "cuda": torch.cuda.is_available(), "voila": voila.__version__, "dnnexplain": dnnexplain.__file__}))
"""


def main() -> None:
    """Open the dashboard's notebook in a kernel and ask it."""
    import dnnexplain.app  # noqa: PLC0415

    notebook: Any = nbformat.read(  # type: ignore[no-untyped-call]
        Path(dnnexplain.app.__file__).parent / "dashboard.ipynb", as_version=4
    )
    manager, client = start_new_kernel(extra_arguments=["--log-level=ERROR"], env=dict(os.environ))
    printed: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        if message["content"].get("name") == "stdout":  # a warning of a library is no answer
            printed.append(message["content"]["text"])

    try:
        for cell in [*(cell.source for cell in notebook.cells if cell.cell_type == "code"), FOUND]:
            printed.clear()
            reply = client.execute_interactive(cell, timeout=300, output_hook=hear)
            if reply["content"]["status"] != "ok":
                message = f"{reply['content']['ename']}: {reply['content']['evalue']}"
                raise SystemExit(message)
        print(json.dumps(json.loads("".join(printed).strip().splitlines()[-1])))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
