"""The simulator at work: solves per second of a whole Figure 1A, gain of a second core, memory, share of peak.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/simulation.py      # writes simulation.csv

Every measurement runs in a process of its own, so that peak memory is that of the measurement. On a machine with
other work the wall clock of two cores is unfair to the second; the table has the load beside it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from machine import description

FIGURE_1A = (0.5, 1.0, 2.0, 4.0, 8.0)
BUDGETS = (120 * 2**20, 2**28, 2**30)


def solves_per_second(cores: int, trials: int = 24) -> dict:
    """All kept fractions and α of Figure 1A at N = 200, drawing included."""
    from perceptron_pruning import simulate
    from replica_theory import KeepHardest

    use(cores)
    simulate(8.0, selection=KeepHardest(0.2), n_trials=100)  # starts the workers
    solves, start = 0, time.perf_counter()
    for fraction in (0.2, 0.5, 0.8, 1.0):
        for alpha in FIGURE_1A:
            simulate(alpha, selection=KeepHardest(fraction), n_trials=trials)
            solves += trials
    return {"solves_per_second": solves / (time.perf_counter() - start)}


def batch_seconds(cores: int, ratio: int) -> dict:
    """A batch of solves alone, inputs at hand."""
    import numpy as np

    from perceptron_pruning import fit_max_margin
    from perceptron_pruning.sampling import pruned_data
    from replica_theory import KeepHardest

    use(cores)
    size = {"probe_angle": 0.2, "n_kept": 200 * ratio, "n_features": 200, "seed": 0}
    data = [pruned_data(KeepHardest(0.2), **size, trial=trial) for trial in range(48)]
    inputs, labels = np.stack([one.inputs for one in data]), np.stack([one.labels for one in data])
    seconds = []
    for _ in range(12):  # the first start the workers
        seconds.append(wall_clock(lambda: fit_max_margin(inputs, labels)))
    return {"batch_seconds": min(seconds)}


def peak_memory(budget: int) -> dict:
    """Peak memory of 8 trials at N = 200, α = 50, f = 0.05, above that of the imported package."""
    import resource

    import numpy as np

    from perceptron_pruning import simulate
    from replica_theory import KeepHardest

    simulate(1.0, selection=KeepHardest(0.5), n_features=20, n_trials=2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    simulate(50.0, selection=KeepHardest(0.05), n_trials=8, memory_budget=budget)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_megabytes": float(np.round((after - before) / 1024, 1))}


def share_of_peak(ratio: int) -> dict:
    """Floating-point operations of a solve's matrix products and factorisations over single-precision peak."""
    import numpy as np

    from perceptron_pruning.sampling import pruned_data
    from perceptron_pruning.students.max_margin import interior_point
    from perceptron_pruning.students.max_margin.fit import fit_max_margin
    from replica_theory import KeepHardest

    use(1)
    features, operations = 200, [0.0]
    matrix = np.random.default_rng(0).standard_normal((1000, 1000)).astype(np.float32)
    peak = 2e9 / min(seconds(lambda: matrix @ matrix) for _ in range(9))
    step = interior_point._step

    def counted(arrays, rows, gram, exact_rows, point):
        own = len(rows) if gram is None else exact_rows
        operations[0] += own * features**2 + features**3 / 3 + 10 * len(rows) * features
        return step(arrays, rows, gram, exact_rows, point)

    interior_point._step = counted
    size = {"probe_angle": 0.2, "n_kept": ratio * features, "n_features": features, "seed": 0}
    data = [pruned_data(KeepHardest(0.2), **size, trial=trial) for trial in range(9)]
    times = [seconds(lambda one=one: fit_max_margin(one.inputs, one.labels)) for one in data]
    return {
        "peak_gigaflops": peak / 1e9,
        "share_of_peak": operations[0] / len(data) / float(np.median(times)) / peak,
    }


def wall_clock(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds of this process."""
    start = time.process_time()
    call()
    return time.process_time() - start


def use(cores: int) -> None:
    os.sched_setaffinity(0, set(list(os.sched_getaffinity(0))[:cores]))


MEASUREMENTS = [
    *(("solves_per_second", {"cores": cores}) for cores in (1, 2)),
    *(("batch_seconds", {"cores": cores, "ratio": ratio}) for ratio in (2, 5, 20) for cores in (1, 2)),
    *(("peak_memory", {"budget": budget}) for budget in BUDGETS),
    *(("share_of_peak", {"ratio": ratio}) for ratio in (2, 5, 20)),
]


def main() -> None:
    from perceptron_pruning.output.tables import write_table

    table = []
    for name, arguments in MEASUREMENTS:
        command = [sys.executable, __file__, name, json.dumps(arguments)]
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for quantity, value in result.items():
            settings = " ".join(f"{key}={value}" for key, value in arguments.items())
            table.append({"measurement": name, "settings": settings, "quantity": quantity, "value": value})
            table[-1] |= {"load": os.getloadavg()[0], "machine": description()}
            print(name, settings, quantity, f"{value:.4g}", f"load {os.getloadavg()[0]:.1f}", flush=True)
    write_table(Path(__file__).with_name("simulation.csv"), table)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
