"""Networks are traced while other threads run networks: neither disturbs the other."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from dnnexplain.explain.proofs.tracing import traced

WAIT = 30.0
entered, go_on = threading.Event(), threading.Event()


class Slow(nn.Module):
    """Takes its time in the middle, as long as it is told to."""

    def __init__(self):
        super().__init__()
        self.first, self.scale = nn.Linear(3, 4), nn.Parameter(torch.tensor(2.0))

    def __deepcopy__(self, memo):  # the same parameters, which the other thread runs, too
        del memo
        return self

    def forward(self, x):
        x = self.first(x)
        entered.set()
        go_on.wait(WAIT)
        return self.scale * torch.relu(x)


def test_what_another_thread_runs_while_one_traces_is_not_written_down():
    entered.clear()
    go_on.clear()
    slow, other = Slow().double(), nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = torch.rand(5, 3)
    before = other(x)
    with ThreadPoolExecutor(1) as pool:
        tracing = pool.submit(traced, slow)
        assert entered.wait(WAIT)
        during, scale = other(x), slow.scale
        go_on.set()
        graph = tracing.result(WAIT)
    assert torch.equal(during, before)
    assert isinstance(scale, nn.Parameter)
    assert [node.op for node in graph.graph.nodes] == [
        "placeholder", "call_module", "get_attr", "call_function", "call_function", "output"
    ]  # fmt: skip
    assert torch.equal(graph(x.double()), slow(x.double()))


def test_several_are_traced_at_once():
    nets = [nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, place + 1)) for place in range(8)]
    with ThreadPoolExecutor(4) as pool:
        graphs = list(pool.map(traced, nets * 4))
    x = torch.rand(2, 3, dtype=torch.float64)
    assert [graph(x).shape[1] for graph in graphs] == list(range(1, 9)) * 4
    assert nn.Module.__call__.__module__ == "torch.nn.modules.module"
