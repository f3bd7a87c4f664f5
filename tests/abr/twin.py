"""The player and the link of Pensieve's published simulator in plain Python, one chunk at a time."""

import numpy as np


class Player:
    """One session; written from the description of the environment, in floats and lists, nothing compiled."""

    def __init__(self, seconds, mbps, sizes, *, start=1, factors=(), ladder=(300, 750, 1200, 1850, 2850, 4300)):
        self.seconds, self.mbps, self.sizes, self.ladder = list(seconds), list(mbps), sizes, ladder
        self.at = start
        self.now = self.seconds[start - 1]
        self.buffer = 0.0
        self.count = 0
        self.factors = list(factors)
        self.state = np.zeros((6, 8))
        self.last = None

    def _next_sample(self):
        self.now = self.seconds[self.at]
        self.at += 1
        if self.at == len(self.seconds):
            self.at, self.now = 1, 0

    def download(self, level):
        size, sent, delay = self.sizes[self.count][level], 0.0, 0.0
        while True:
            rate = self.mbps[self.at] * 1_000_000.0 / 8.0
            span = self.seconds[self.at] - self.now
            if sent + rate * span * 0.95 > size:
                part = (size - sent) / rate / 0.95
                delay += part
                self.now += part
                break
            sent += rate * span * 0.95
            delay += span
            self._next_sample()
        delay = (delay * 1000.0 + 80.0) * (self.factors[self.count] if self.factors else 1.0)
        stall = max(delay - self.buffer, 0.0)
        self.buffer = max(self.buffer - delay, 0.0) + 4000.0
        sleep = 0.0
        if self.buffer > 60000.0:
            sleep = np.ceil((self.buffer - 60000.0) / 500.0) * 500.0
            self.buffer -= sleep
            left = sleep
            while self.seconds[self.at] - self.now <= left / 1000.0:
                left -= (self.seconds[self.at] - self.now) * 1000.0
                self._next_sample()
            self.now += left / 1000.0
        self.count += 1
        self._remember(level, size, delay)
        previous, self.last = self.last, level
        change = 0.0 if previous is None else abs(self.ladder[level] - self.ladder[previous]) / 1000.0
        reward = self.ladder[level] / 1000.0 - 4.3 * stall / 1000.0 - change
        return {
            "delay": delay,
            "stall": stall / 1000.0,
            "sleep": sleep,
            "buffer": self.buffer / 1000.0,
            "reward": reward,
        }

    def _remember(self, level, size, delay):
        state = np.roll(self.state, -1, axis=1)
        state[0, -1] = self.ladder[level] / max(self.ladder)
        state[1, -1] = self.buffer / 1000.0 / 10.0
        state[2, -1] = size / delay / 1000.0
        state[3, -1] = delay / 1000.0 / 10.0
        state[4, : len(self.ladder)] = np.array(self.sizes[self.count % 48]) / 1e6
        state[5, -1] = min(48 - self.count, 48) / 48
        self.state = state


def robust_mpc(states, ladder, sizes):
    """The literal loop over 6^5 plans, with the published code's habits; ``states`` of one session, oldest first."""
    from itertools import product

    estimates, errors, levels = [], [], []
    for state in states:
        newest = state[2, -1]
        errors.append(abs(estimates[-1] - newest) / newest if estimates else 0.0)
        past = [value for value in state[2, -5:] if value > 0]
        estimate = 1.0 / (sum(1.0 / value for value in past) / len(past))
        estimates.append(estimate)
        future = estimate / (1 + max(errors[-5:]))
        index = 48 - round(state[5, -1] * 48)
        best, chosen = -1e18, 0
        last = int(np.argmin(np.abs(np.array(ladder) / max(ladder) - state[0, -1])))
        for plan in product(range(len(ladder)), repeat=min(5, 48 - index)):
            buffer, stall, total, change, before = state[1, -1] * 10, 0.0, 0, 0, last
            for step, level in enumerate(plan):
                took = sizes[index + step + 1][level] / 1e6 / future
                if buffer < took:
                    stall += took - buffer
                    buffer = 0.0
                else:
                    buffer -= took
                buffer += 4
                total += ladder[level]
                change += abs(ladder[level] - ladder[before])
                before = level
            worth = total / 1000.0 - 4.3 * stall - change / 1000.0
            if worth >= best:
                best, chosen = worth, plan[0]
        levels.append(chosen)
    return levels
