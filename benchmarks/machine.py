"""The machine that a table was measured on."""

import os
import time

import psutil

from perceptron_pruning.output.provenance import machine as description

__all__ = ["Others", "description", "load", "own_seconds"]


def load() -> float:
    """Processes that compete for the cores, averaged over the last minute."""
    return round(os.getloadavg()[0], 1)


class Others:
    """What other processes take of the cores, since this was made."""

    def __init__(self) -> None:
        self._begun, self._before = time.perf_counter(), _processor_seconds()

    def percent(self) -> float:
        """Of the cores' time, without what this process and its children took."""
        whole, ours = (now - before for now, before in zip(_processor_seconds(), self._before, strict=True))
        return 100 * (whole - ours) / ((time.perf_counter() - self._begun) * (psutil.cpu_count() or 1))


def own_seconds() -> float:
    """Processor seconds of this process and its living children so far."""
    return _processor_seconds()[1]


def _processor_seconds() -> tuple[float, float]:
    """So far, of the whole machine and of this process with its children."""
    whole, here = psutil.cpu_times(), psutil.Process()
    ours = [process.cpu_times() for process in (here, *here.children(recursive=True))]
    return sum(whole) - whole.idle - whole.iowait, sum(times.user + times.system for times in ours)
