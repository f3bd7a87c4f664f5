"""A refused export says so in one sentence and prints nothing, from torch's own code either."""

import io
import threading
import warnings

import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import save_onnx
from dnnexplain.policies._onnx_quiet import quiet_export


class Fourier(nn.Module):
    def forward(self, x):
        return torch.fft.rfft(x).real[:, :2]


def refused(path):
    with pytest.raises(DnnExplainError, match=r"cannot be written as ONNX.*fft_rfft"):
        save_onnx(path / "a.onnx", Fourier(), (4,))


def test_a_refused_export_prints_nothing(tmp_path, capfd):
    before = torch._C._jit_is_onnx_log_enabled()
    refused(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert torch._C._jit_is_onnx_log_enabled() is before


def test_nor_in_threads_side_by_side(tmp_path, capfd):
    failed = []

    def run():
        try:
            refused(tmp_path)
        except BaseException as error:  # noqa: BLE001 - what pytest raises in a thread
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert capfd.readouterr() == ("", "")


def beside(work):
    """Runs it in another thread, to its end."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_another_threads_warnings_are_not_kept_back_meanwhile():
    told: list[str] = []

    def other():
        try:
            warnings.warn("of my own", UserWarning, stacklevel=1)
        except UserWarning as warning:  # warnings are errors here
            told.append(str(warning))

    with quiet_export():
        beside(other)
    assert told == ["of my own"]


def test_torch_refuses_a_second_export_meanwhile_so_that_no_graph_of_it_is_missed(tmp_path):
    refusals: list[str] = []

    def second():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(AssertionError) as refusal:
                torch.onnx.export(nn.Linear(4, 4), (torch.ones(1, 4),), io.BytesIO(), dynamo=False)
            refusals.append(str(refusal.value))

    class Slow(nn.Module):
        def forward(self, x):
            if torch.onnx.is_in_onnx_export() and not refusals:
                beside(second)
            return 2 * x

    save_onnx(tmp_path / "slow.onnx", Slow(), (4,))
    assert refusals
