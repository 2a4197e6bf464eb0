"""The compiled engine on this machine's accelerator, beside its NumPy engine and the roofline of `roofline.py`.

    python benchmarks/accelerator.py                   # about 8 minutes on one GPU; writes accelerator.csv and .png
    python benchmarks/accelerator.py --minutes 3 --resume          # goes on with what the table lacks
    python benchmarks/accelerator.py --size cpu                    # on a machine without an accelerator

Needs this checkout and its core dependencies alone. A measurement is written when it is done, the most telling first;
none starts when less time is left than the longest before it took. Students of max margin keep the hardest fifth at 10
degrees. ``seconds`` of a batch are from its trial numbers to verified observables on the host, compiled before.
``start`` is the precision of the first program: "float32" with its escalation, or "float64" alone. ``share_of_bound``
is the bound's time over that of the compiled programs, which in lock step run as long as their slowest trial; on a CPU,
whose caches hold a trial, the bound is that of arithmetic alone. ``largest_difference``: of the observables of three
trials of the batch from those of the CPU's exact solver on rows that the CPU sorted; the run fails where it is above
1e-8. ``load``: processes that wanted a core, ours included.

Rows "kmeans", "heads" and "softmax_student" are the adapter's, by `accelerator_adapter.py`.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import jax
import matplotlib.pyplot as plt
import numpy as np
from accelerator_adapter import heads, kmeans, softmax_student, timed
from jax.experimental.compilation_cache import compilation_cache
from matplotlib.ticker import NullLocator
from roofline import Rates, coarse_steps, measured_rates, trial_work

from perceptron_pruning import simulate, use_compilation_cache
from perceptron_pruning.device.batches import batches, layout_of
from perceptron_pruning.device.effort import PATIENT, QUICK
from perceptron_pruning.device.numerics import bucket, device_numerics, power_of_two
from perceptron_pruning.device.programs import EXCHANGE_STEPS, INTERIOR_STEPS, planes_program, students_program
from perceptron_pruning.device.stages import verified
from perceptron_pruning.device.trials import DeviceSetting, fetched_rows, simulated_on_devices
from perceptron_pruning.observables import Observables, observables
from perceptron_pruning.output.provenance import machine as host
from perceptron_pruning.output.tables import Row, read_table, write_table
from perceptron_pruning.students.training import train
from replica_theory import KeepHardest, TrainedProbe

RULE, ANGLE = KeepHardest(0.2), np.deg2rad(10.0)
KEYS = ("measurement", "n_features", "alpha", "batch", "start")  # that tell rows apart
LEADING = (*KEYS, "run_batch", "trials_per_second", "ratio_to_numpy", "share_of_bound")  # first columns of the table
AGREEMENT = 1e-8  # largest difference of an observable from the CPU's, relative where it is above 1
COARSE_TRIALS = 2  # whose steps on all rows are counted
Plan = list[tuple[str, dict[str, Any]]]


def student(n_features: int, alpha: float, batch: int, start: str, *, rates: Rates) -> Row:
    """A batch as large as asked for, or as memory holds."""
    setting = setting_of(n_features, alpha)
    layout, effort = layout_of(n_features), QUICK if start == "float32" else PATIENT
    trials = next(batches(setting, np.arange(batch), layout, memory_budget=None, largest=batch)).astype(np.uint64)
    rule = setting.rule
    assert rule is not None
    with device_numerics():
        planes_of = planes_program(power_of_two(int(rule.pool)), layout)
        planes_compiled, planes_compilation = timed(planes_of.lower(setting.scene, rule, trials).compile)
        planes = planes_compiled(setting.scene, rule, trials)
        fit = students_program("max_margin", n_features, effort, layout).lower(setting.scene, trials, planes)
        compiled, compilation = timed(fit.compile)
        np.asarray(compiled(setting.scene, trials, planes))
        numbers, programs = timed(
            lambda: np.asarray(compiled(setting.scene, trials, planes_compiled(setting.scene, rule, trials)))
        )
    count, exchanges = len(trials), numbers[:, EXCHANGE_STEPS]
    row: Row = {
        "run_batch": count,
        "compile_seconds": planes_compilation + compilation,
        "memory_megabytes": megabytes(compiled.memory_analysis()),
        "programs_trials_per_second": count / programs,
        "verified_by_first_program": float(verified(numbers).mean()),
        "interior_steps": float(numbers[:, INTERIOR_STEPS].mean()),
        "exchange_steps": float(exchanges.mean()),
        "most_exchange_steps": float(exchanges.max()),
    }
    if start == "float32":
        row |= end_to_end(setting, count)
    return row | bound(setting, row, programs / count, rates)


def trained_probe(n_features: int, alpha: float, batch: int) -> Row:
    """Pools pruned by a logistic probe of their own, whole on the device; through all stages."""
    setting = setting_of(n_features, alpha, probe=TrainedProbe("logistic", 0.1))
    layout = layout_of(n_features)
    count = len(next(batches(setting, np.arange(batch), layout, memory_budget=None, largest=batch)))
    _, first = timed(lambda: simulated_on_devices(setting, range(count), largest_batch=count))
    row = end_to_end(setting, count)
    cell = {"selection": RULE, "probe": setting.probe, "n_features": n_features, "n_trials": min(count, 64)}
    few = simulate(alpha, engine="numpy", **cell).n_trials  # starts the workers
    _, by_numpy = timed(lambda: simulate(alpha, engine="numpy", **cell))
    row |= {"run_batch": count, "compile_seconds": first - row["seconds"]}
    return row | {"ratio_to_numpy": row["trials_per_second"] * by_numpy / few}


def setting_of(n_features: int, alpha: float, probe: Literal["exact"] | TrainedProbe = "exact") -> DeviceSetting:
    return DeviceSetting(
        probe=probe,
        selection=RULE,
        probe_angle=ANGLE if probe == "exact" else 0.0,
        n_kept=round(alpha * n_features),
        n_features=n_features,
        seed=0,
        student="max_margin",
        label_noise=0.0,
    )


def end_to_end(setting: DeviceSetting, count: int) -> Row:
    """The same trials through all stages."""
    simulated_on_devices(setting, range(count), largest_batch=count)  # compiles what the second program needs
    result, seconds = timed(lambda: simulated_on_devices(setting, range(count), largest_batch=count))
    difference = largest_difference(setting, result.observables, sorted({0, count // 2, count - 1}))
    if not difference <= AGREEMENT:
        raise ArithmeticError(f"devices and CPU differ by {difference:.1e} on the same rows: {setting}")
    row: Row = {"seconds": seconds, "trials_per_second": count / seconds, "largest_difference": difference}
    return row | result.verified_by


def largest_difference(setting: DeviceSetting, seen: Observables, trials: list[int]) -> float:
    """From the CPU's students on rows that the CPU sorted, over all observables, relative where they are above 1."""
    worst = [0.0]
    for trial, data in zip(trials, fetched_rows(setting, trials), strict=True):
        exact = observables(data, *train(setting.student, *data))
        for ours, theirs in zip(seen, exact, strict=True):
            worst.append(float(np.max(np.abs(np.asarray(ours)[trial] - theirs) / np.maximum(1, np.abs(theirs)))))
    return max(worst)


def bound(setting: DeviceSetting, row: Row, seconds: float, rates: Rates) -> Row:
    """Least work of a trial of these steps, and how near the programs come."""
    coarse = np.mean([coarse_steps(data.inputs) for data in fetched_rows(setting, range(COARSE_TRIALS))])
    work = trial_work(
        bucket(setting.n_kept),
        setting.n_features,
        coarse_steps=float(coarse),
        interior_steps=row["interior_steps"],
        exchanges=row["exchange_steps"],
    )
    held_by_caches = jax.default_backend() == "cpu"
    least = (work._replace(bytes=0.0) if held_by_caches else work).seconds(rates)
    return {
        "megabytes_a_trial": work.bytes / 1e6,
        "single_gigaflop_a_trial": work.single / 1e9,
        "double_gigaflop_a_trial": work.double / 1e9,
        "bound_trials_per_second": 1 / least,
        "share_of_bound": least / seconds,
    }


def megabytes(memory: Any) -> float | None:
    """Arguments, results and temporaries of a program; None where the platform does not say."""
    if memory is None:
        return None
    parts = memory.argument_size_in_bytes, memory.output_size_in_bytes, memory.temp_size_in_bytes
    return sum(parts) / 1e6


def numpy_engine(n_features: int, alpha: float, seconds: float) -> Row:
    """The NumPy engine on all cores of this machine, for about so long."""

    def run(count: int) -> float:
        cell = {"selection": RULE, "probe_angle": ANGLE, "n_features": n_features, "n_trials": count}
        return timed(lambda: simulate(alpha, engine="numpy", **cell))[1]

    few = 4 * (os.cpu_count() or 1)
    run(few)  # starts the workers
    count = int(np.clip(seconds * few / run(few), few, 100_000))
    return {"trials_per_second": count / run(count)}


def card(side: int) -> tuple[Row, Rates]:
    rates = measured_rates(side)
    row = {"measurement": "card", "gigabytes_per_second": rates.bandwidth / 1e9}
    return row | {"single_gigaflops": rates.single / 1e9, "double_gigaflops": rates.double / 1e9}, rates


def plan(size: str) -> Plan:
    """What is measured, the most telling first."""
    if size == "tiny":
        small = {"n_features": 8, "alpha": 2.0}
        return [
            ("numpy_engine", small | {"seconds": 0.01}),
            ("student", small | {"batch": 32, "start": "float32"}),
            ("kmeans", {"n_features": 8, "rows": 100, "clusters": 4, "steps": 2}),
        ]
    cells = _cells(size)
    several = [
        ("trained_probe", {"n_features": 200, "alpha": 2.0, "batch": 8 if size == "cpu" else 256}),
        ("kmeans", {"n_features": 512, "rows": 100_000, "clusters": 200, "steps": 5}),
        ("heads", {"n_features": 512, "rows": 20_000, "models": 20}),
        ("softmax_student", {"n_features": 512, "rows": 5_000}),
    ]
    made: Plan = []
    for index, (n_features, alpha, batch, start) in enumerate(cells):
        here = {"n_features": n_features, "alpha": alpha}
        yardstick = ("numpy_engine", here | {"seconds": 2.0})
        if yardstick not in made:
            made.append(yardstick)
        made.append(("student", here | {"batch": batch, "start": start}))
        if index == 3:
            made += several
    return made


def _cells(size: str) -> list[tuple[int, float, int, str]]:
    """(N, α, batch, start)."""
    alphas = (2.0, 5.0, 20.0, 50.0)
    if size == "cpu":
        small = [(200, alpha, batch, "float32") for batch in (16, 64) for alpha in alphas]
        return [*small, (200, 5.0, 16, "float64"), (1000, 2.0, 2, "float32")]
    usual = [(200, alpha, 1024, "float32") for alpha in alphas]
    large = [(1000, alpha, 256, "float32") for alpha in alphas]
    wide = [(200, alpha, batch, "float32") for batch in (4096, 256, 8192) for alpha in (5.0, 20.0, 2.0, 50.0)]
    double = [(200, alpha, 1024, "float64") for alpha in (5.0, 20.0)]
    return usual + large + wide[:2] + double + wide[2:] + [(1000, alpha, 1024, "float32") for alpha in alphas]


MEASUREMENTS: dict[str, Callable[..., Row]] = {
    "numpy_engine": numpy_engine,
    "student": student,
    "trained_probe": trained_probe,
    "kmeans": kmeans,
    "heads": heads,
    "softmax_student": softmax_student,
}


def measured(tasks: Plan, rows: list[Row], *, side: int, seconds: float) -> Iterator[list[Row]]:
    """The table after each measurement that it lacks, while the time lasts."""
    begun, longest = time.perf_counter(), 0.0
    described, rates = card(side)
    rows = [row for row in rows if row["measurement"] != "card"] + [described]
    done = {_key(row) for row in rows}
    for name, arguments in tasks:
        key = {"measurement": name} | {k: v for k, v in arguments.items() if k in KEYS}
        left = seconds - (time.perf_counter() - begun)
        if _key(key) in done or left < longest:
            print(key, "is in the table" if _key(key) in done else f"left out, {left:.0f} s are left", flush=True)
            continue
        more = {"rates": rates} if name == "student" else {}
        row, taken = timed(lambda name=name, arguments=arguments, more=more: MEASUREMENTS[name](**arguments, **more))
        longest = max(longest, taken)
        rows.append(key | row | {"measured_in_seconds": taken, "load": os.getloadavg()[0]})
        print(rows[-1], flush=True)
        yield with_ratios(rows)


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row.get(name) for name in KEYS)


def with_ratios(rows: list[Row]) -> list[Row]:
    """Students with their speed in units of the NumPy engine's at the same N and α, and all with the machine."""
    rows = sorted(rows, key=lambda row: row["measurement"] == "card")  # last
    cells = [(row["n_features"], row["alpha"]) if "alpha" in row else None for row in rows]
    rates = {c: r["trials_per_second"] for c, r in zip(cells, rows, strict=True) if r["measurement"] == "numpy_engine"}
    table = []
    for cell, row in zip(cells, rows, strict=True):
        speed = row.get("trials_per_second") if row["measurement"] == "student" else None
        ratio = {"ratio_to_numpy": speed / rates[cell]} if speed else {}
        table.append({name: row.get(name) for name in LEADING} | row | ratio | {"machine": machine()})
    return table


def machine() -> str:
    """JAX's devices and the computer that holds them."""
    devices = jax.devices()
    return f"{len(devices)} x {devices[0].device_kind} by JAX {jax.__version__}; {host()}"


def draw(table: list[Row], path: Path) -> None:
    """Trials per second against the batch, one panel for each N: compiled, by NumPy, and the bound."""
    students = [row for row in table if row["measurement"] == "student" and row["start"] == "float32"]
    sizes = sorted({row["n_features"] for row in students})
    figure, panels = plt.subplots(1, len(sizes), figsize=(4.2 * len(sizes), 3.6), layout="constrained", squeeze=False)
    for panel, n_features in zip(panels[0], sizes, strict=True):
        for color, alpha in enumerate(sorted({row["alpha"] for row in students if row["n_features"] == n_features})):
            rows = [row for row in students if (row["n_features"], row["alpha"]) == (n_features, alpha)]
            rows.sort(key=lambda row: row["run_batch"])
            across, look = [row["run_batch"] for row in rows], {"color": f"C{color}"}
            panel.plot(across, [row["trials_per_second"] for row in rows], "o-", label=f"α = {alpha:g}", **look)
            panel.plot(across, [row["bound_trials_per_second"] for row in rows], ".:", **look)
            panel.plot(across, [row["trials_per_second"] / row["ratio_to_numpy"] for row in rows], "x--", **look)
        panel.set(xscale="log", yscale="log", title=f"N = {n_features}", xlabel="batch")
        ticks = sorted({row["run_batch"] for row in students if row["n_features"] == n_features})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    panels[0][0].set_ylabel("trials per second")
    figure.suptitle(f"{table[0]['machine'].split(';')[0]}: o compiled   x NumPy, all cores   · roofline", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=8.0, help="after which no measurement starts")
    default = "full" if jax.default_backend() != "cpu" else "cpu"
    parser.add_argument("--size", choices=("full", "cpu", "tiny"), default=default)
    parser.add_argument("--resume", action="store_true", help="keep the table's rows of this machine")
    parser.add_argument("--cache", type=Path, help="directory of compiled programs; compilation times then mean little")
    parser.add_argument("--table", type=Path, default=Path(__file__).with_suffix(".csv"))
    options = parser.parse_args()
    stored = read_table(options.table) if options.resume and options.table.exists() else []
    rows = [row for row in stored if row["machine"] == machine()]
    side = {"full": 8192, "cpu": 1024, "tiny": 64}[options.size]
    with compiled_once(options.cache):
        for table in measured(plan(options.size), rows, side=side, seconds=60 * options.minutes):
            write_table(options.table, table, digits=6)
            if any(row["measurement"] == "student" for row in table):
                draw(table, options.table.with_suffix(".png"))


@contextmanager
def compiled_once(directory: Path | None) -> Iterator[None]:
    """What was compiled to be measured is not compiled again to be run; with no directory it is forgotten after."""
    before = jax.config.values["jax_compilation_cache_dir"]
    with TemporaryDirectory() as own:
        use_compilation_cache(directory or own)
        try:
            yield
        finally:
            jax.config.update("jax_compilation_cache_dir", before)
            compilation_cache.reset_cache()


if __name__ == "__main__":
    main()
