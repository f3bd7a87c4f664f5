"""The two views that benchmarks/live.py compares, and what is put into their pages to see when they paint."""

from __future__ import annotations

SETUP = """
import torch; torch.set_num_threads(1)
from dnnexplain.contract import state_from_values
from dnnexplain.policies import TorchPolicy, load_shipped, mlp, shipped
from dnnexplain.systems import make_system
system = make_system("deeprm")
policy = load_shipped(system) if shipped(system) else TorchPolicy(mlp(system), system)
jobs = {"length": (5, 3, 11), "cpu": (2, 7, 8), "memory": (8, 4, 2)}
state = state_from_values(
    system, {f"job {i} {kind}": sizes[i - 1] for kind, sizes in jobs.items() for i in (1, 2, 3)}
)
rules = [name for name in system.rules() if name != "random"]
"""

PANELS = """
from dnnexplain_widgets import Dashboard
Dashboard(system, policy, state, rules=rules)
"""

MATPLOTLIB = """
%matplotlib inline
import ipywidgets, numpy as np
import matplotlib.pyplot as plt
from dnnexplain_widgets.live import Ask, compute
ask = Ask(sweep="length", rules=tuple(rules))
def view(length=5):
    now = state_from_values(system, {"job 1 length": length}, state)
    live = compute(system, policy, now, ask)
    figure, axes = plt.subplots(4, 1, figsize=(9, 11), height_ratios=[1, 2, 1, 2])
    axes[0].bar(system.output.names, live.decision.probabilities)
    largest = np.abs(live.attribution.map).max()
    axes[1].imshow(live.attribution.map, cmap="PuOr_r", vmin=-largest, vmax=largest, aspect="auto")
    axes[2].bar(np.arange(live.activations.size), live.activations)
    for values, curve in zip(live.curves.values, live.curves.activation):
        axes[3].plot(values, curve[0])
    plt.show()
ipywidgets.interact(view, length=ipywidgets.IntSlider(5, 1, 15));
"""

WATCH = """
window.bench = {painted: 0, latencies: [], event: 0, last: 0, waiting: () => {}};
window.bench.after = (n) => new Promise((done, fail) => {
  setTimeout(() => fail(new Error(`nothing was painted after ${n} frames`)), 30000);
  window.bench.waiting = () => { if (window.bench.painted > n) done(); };
  window.bench.waiting();
});
document.addEventListener("pointermove", (e) => { window.bench.event = e.timeStamp; }, true);
const painted = () => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const now = performance.now();
    window.bench.latencies.push(now - window.bench.event);
    window.bench.last = now;
    window.bench.painted += 1;
    window.bench.waiting();
  };
  channel.port2.postMessage(0);
});
"""
WATCH_PANELS = """
new MutationObserver(painted).observe(document.querySelector(".dx-canvas"), {attributeFilter: ["aria-label"]});
"""
WATCH_MATPLOTLIB = """
new MutationObserver((all) => {
  for (const change of all) for (const node of change.addedNodes) {
    const image = node.querySelector && (node.matches("img") ? node : node.querySelector("img"));
    if (image) image.decode().then(painted, painted);
  }
}).observe(document.body, {childList: true, subtree: true});
"""
VIEWS = {"panels": (PANELS, WATCH_PANELS), "interact + matplotlib": (MATPLOTLIB, WATCH_MATPLOTLIB)}
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def write_notebooks(folder):
    import nbformat

    for name, (code, _) in VIEWS.items():
        cells = [nbformat.v4.new_code_cell(SETUP.strip() + "\n"), nbformat.v4.new_code_cell(code.strip())]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(notebook, folder / file_name(name))


def file_name(view):
    return view.partition(" ")[0] + ".ipynb"
