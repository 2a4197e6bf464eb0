"""The machine that a table was measured on."""

import os
import platform
from pathlib import Path


def description() -> str:
    """Processor, cores at hand, operating system and Python."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def load() -> float:
    """Processes that compete for the cores, averaged over the last minute."""
    return round(os.getloadavg()[0], 1)
