"""A refused export says so in one sentence and prints nothing, from torch's own code either."""

import threading

import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import save_onnx


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
