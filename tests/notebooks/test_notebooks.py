"""Every notebook is committed without outputs, runs from top to bottom, and finds what its text says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

CHECKS = {
    "the-published-network": (
        "assert runs['network, drawn'].cost.mean() < runs['Tetris'].cost.mean()\n"
        "assert runs['network, most probable'].metrics['starved'].sum() >= len(workloads)\n"
        "assert ways['an empty slot'] > 0.7 * ways.total()\n"
        "assert ways['wait'] < 0.1 * ways.total()\n"
        "assert max(silent) == 20\n"
        "assert np.mean(np.array(silent) >= 18) > 0.5"
    ),
}
"""What the text of a notebook claims, checked in its own kernel after the last cell."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:.*without encryption.*")
def test_it_runs_from_top_to_bottom_and_its_claims_hold(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    if path.stem in CHECKS:
        notebook.cells.append(nbformat.v4.new_code_cell(CHECKS[path.stem]))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any(output.get("text", "").strip() for cell in notebook.cells for output in cell.get("outputs", []))
