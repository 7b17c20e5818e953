"""Requests one after the other, over one connection each."""

import statistics
import time
from collections.abc import Callable


def p99(ask: Callable[[], None], count: int) -> float:
    """How many milliseconds all but one in a hundred take at the most."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.quantiles(times, n=100)[-1]
