"""`import dnnexplain` and `dnnexplain --help` are quick: what is heavy is imported when it is needed."""

import subprocess
import sys

import pytest

HEAVY = {"IPython", "captum", "dnnexplain_widgets", "ipywidgets", "jupyterlab", "numba", "sklearn", "torch"}

MEASURE = """
import sys, time
start = time.process_time()
{statement}
seconds = time.process_time() - start
print(seconds)
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def fresh(statement, times):
    """The least processor time of some fresh processes in seconds, and the top modules that were imported."""
    seconds, modules = [], set()
    for _ in range(times):
        code = MEASURE.format(statement=statement)
        lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        head, names = lines.splitlines()[-2:]
        seconds.append(float(head))
        modules |= set(names.split())
    return min(seconds), modules


def test_import_takes_under_three_tenths_of_a_second_and_loads_nothing_heavy():
    seconds, modules = fresh("import dnnexplain", times=7)
    assert modules & HEAVY == set()
    assert seconds < 0.3


@pytest.mark.parametrize("module", ["contract", "files", "parallel", "results", "systems", "policies", "explain"])
def test_the_front_of_every_part_is_light(module):
    _, modules = fresh(f"import dnnexplain.{module}", times=1)
    assert modules & HEAVY == set()


def test_help_loads_nothing_heavy():
    _, modules = fresh("from dnnexplain.cli import main; main(['--help'])", times=1)
    assert modules & HEAVY == set()
