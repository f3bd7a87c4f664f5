"""What a page of a large network takes: memory, time, and bytes to the page.

    python benchmarks/big_topologies.py [--nodes 73 200] [--seed 1]

Each network is a random geometric graph (connected, links of 10 Gb/s) with an untrained DOTE network, in a process of
its own. "Own" is the private memory (``/proc/self/smaps_rollup``; Linux) above that of the same process with the
dashboard of such a network of 8 nodes already made and closed, so libraries do not count and the network's weights do.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import networkx as nx

from dnnexplain.memory import give_back


def private_mb() -> float:
    """This process's private memory, MB."""
    told = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in told if line.startswith("Private_")) / 1e3


def resident_mb() -> float:
    """This process's resident memory, shared libraries included, MB."""
    told = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in told if line.startswith("VmRSS")) / 1e3


def most_mb() -> float:
    """The most resident memory that this process ever had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def network_of(nodes: int, seed: int) -> nx.Graph:
    """A connected random geometric graph with about as many links per node as a carrier's network."""
    near = nx.random_geometric_graph(nodes, (3.4 / nodes) ** 0.5, seed=seed)
    parts = [next(iter(part)) for part in nx.connected_components(near)]
    near.add_edges_from(itertools.pairwise(parts))
    found = nx.Graph()
    found.add_nodes_from(f"n{node}" for node in near)
    found.add_edges_from((f"n{a}", f"n{b}", {"capacity": 10.0}) for a, b in near.edges)
    return found


def bytes_of(value: Any) -> int:
    """About what a value is on its way to the page."""
    if isinstance(value, bytes | bytearray | memoryview):
        return len(value)
    if isinstance(value, dict):
        return sum(bytes_of(key) + bytes_of(one) + 2 for key, one in value.items())
    if isinstance(value, list | tuple):
        return sum(bytes_of(one) + 1 for one in value)
    return len(json.dumps(value, default=str))


async def work_behind() -> None:
    """Wait for what panels compute beside the page."""
    for thread in threading.enumerate():
        if thread.name == "dnnexplain-job":
            await asyncio.to_thread(thread.join)
    await asyncio.sleep(0.1)  # results are handed over by the loop


async def measure(nodes: int, seed: int) -> dict[str, Any]:
    """Make the page of one network, and its background work, and say what it took."""
    from dnnexplain.policies import named_policy
    from dnnexplain.systems import make_system
    from dnnexplain_widgets import Dashboard

    imports = resident_mb()

    async def page(topology: Any) -> tuple[Dashboard, Any, dict[str, float]]:
        began = time.process_time()
        system = make_system("routing", topology=topology)
        made = time.process_time()
        policy = named_policy(system, "untrained")
        ready = time.process_time()
        board = Dashboard(system, policy)
        opened = time.process_time()
        await work_behind()
        times = {"system": made - began, "dashboard": opened - ready, "behind": time.process_time() - opened}
        return board, policy, times

    board, _policy, _times = await page(network_of(8, seed))  # drawn by the same library as the large one
    board.close()
    gc.collect()
    give_back()
    before, small = private_mb(), resident_mb()
    graph = network_of(nodes, seed)
    board, policy, times = await page(graph)
    weights = sum(weight.nbytes for weight in policy.module.parameters()) / 1e6
    after, made = private_mb(), most_mb()
    sent = sum(bytes_of(one.get_state()) for one in (board.session.hub, *board.panels)) / 1e6
    steps = []
    for place in range(5):
        values = board.session.state.values.copy()
        values[place * 7] *= 4
        began = time.process_time()
        board.session.move(values)
        steps.append(time.process_time() - began)
        await work_behind()
    memory = {"imports": imports, "small": small, "own": after - before, "weights": weights, "peak": made}
    memory |= {"own peak": made - small, "dragged": most_mb(), "own dragged": most_mb() - small}
    figures = {**memory, "sent": sent, "step": sorted(steps)[2], **times}
    return {"nodes": nodes, "links": graph.number_of_edges(), **{name: round(one, 2) for name, one in figures.items()}}


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=[73, 200])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(asyncio.run(measure(given.nodes[0], given.seed))), flush=True)
        return
    print(
        "MB: the process with its imports, and with a small page; own at rest, weights (part of it); the most while the page is made, "
        "and once five steps are dragged, whole and above the small page; sent. Seconds of processor time: the rest",
        flush=True,
    )
    for nodes in given.nodes:
        told = subprocess.run(
            [sys.executable, __file__, "--here", "--nodes", str(nodes), "--seed", str(given.seed)],
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        print(told.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
