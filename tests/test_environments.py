"""Environments are registered in whichever order gymnasium and dnnexplain are imported, and at no cost without it."""

import subprocess
import sys

import pytest

NAME = "dnnexplain/DeepRM-v0"
FIND = f"print(gymnasium.spec('{NAME}').id)"


@pytest.mark.parametrize(
    "code",
    [
        f"import dnnexplain\nimport gymnasium\n{FIND}",
        f"import gymnasium\nimport dnnexplain\n{FIND}",
        f"import dnnexplain\nfrom gymnasium import spaces\nimport gymnasium\n{FIND}",
        f"import gymnasium\nprint(gymnasium.make('dnnexplain:{NAME}').spec.id)",
        f"import gymnasium, dnnexplain, importlib\nimportlib.reload(dnnexplain)\n{FIND}",
    ],
)
def test_environment_is_known(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{NAME}\n", "")


def test_importing_gymnasium_does_not_compile_a_simulator():
    code = "import dnnexplain, gymnasium, sys\nprint('numba' in sys.modules, 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == (
        "False False\n"
    )


def test_what_is_registered_can_be_made():
    import gymnasium

    import dnnexplain.environments

    for name in dnnexplain.environments.environments():
        gymnasium.make(name).reset(seed=1)
        gymnasium.make_vec(name, num_envs=2).reset(seed=1)
