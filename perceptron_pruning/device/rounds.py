"""Pools that probes of their own prune, round by round, in compiled programs: full pools on the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.device.effort import Effort
from perceptron_pruning.device.numerics import bucket, device_numerics
from perceptron_pruning.device.own_pools import rounds_of
from perceptron_pruning.device.own_probes import OwnProbe, check_own_probe, loss_name, own_probe, trained_by_the_host
from perceptron_pruning.device.programs import Layout, Scene, chance_program, pool_program, rounds_program
from perceptron_pruning.device.rule import PoolRule, pool_rule
from perceptron_pruning.device.stages import Verified, through_stages
from perceptron_pruning.device.students import check_seed, program_name, total_ridge
from perceptron_pruning.sampling import PrunedData
from perceptron_pruning.students.training import Student
from replica_theory.selection import Selection, TrainedProbe

_ROWS_COPIES = 5  # arrays of a pool's or a student's rows that a trial needs at its peak
_SQUARE_COPIES = 8  # arrays (N, N)


@dataclass(frozen=True, kw_only=True)
class OwnPools:
    """What all pools have in common; as in `simulate_rounds`.

    Attributes:
        rounds: Probe and rule of each round.
        n_pool: P_tot.
        sizes: Examples left after each round.
        n_features, seed, student, label_noise, rerank_pool: As there.

    Raises:
        ValueError: The seed has more than 64 bits, or the student or a probe has no compiled program.
    """

    rounds: Sequence[tuple[TrainedProbe, Selection]]
    n_pool: int
    sizes: Sequence[int]
    n_features: int
    seed: int
    student: Student
    label_noise: float
    rerank_pool: bool = False

    def __post_init__(self):
        check_seed(self.seed)
        program_name(self.student)
        for probe, selection in self.rounds:
            check_own_probe(probe, selection)

    @property
    def n_rounds(self) -> int:
        return len(self.rounds)

    @property
    def n_kept(self) -> int:
        return max(self.sizes)

    @property
    def scene(self) -> Scene:
        """Without an angle: training finds it."""
        ridge = total_ridge(self.student, self.n_features)
        return Scene(np.uint64(self.seed), np.float64(0.0), np.float64(self.label_noise), np.float64(ridge))

    def rules(self) -> tuple[tuple[PoolRule, ...], tuple[OwnProbe, ...]]:
        """Rules and probes of the rounds, in numbers."""
        rules, probes, left = [], [], self.n_pool
        for (probe, selection), size in zip(self.rounds, self.sizes, strict=True):
            ranked = self.n_pool if self.rerank_pool else left
            rule = pool_rule(selection, 0.0, size, self.label_noise, pool=ranked)
            assert rule is not None  # as `check_own_probe` has seen
            rules.append(rule)
            probes.append(own_probe(probe, left, self.n_features))
            left = size
        return tuple(rules), tuple(probes)

    def bytes_of_a_trial(self) -> tuple[int, int]:
        """While it waits, and while it is pruned and solved."""
        rows = _ROWS_COPIES * (bucket(self.n_pool) + bucket(self.n_kept))
        return 8, 8 * self.n_features * (rows + _SQUARE_COPIES * self.n_features)

    def numbers(self, trials: np.ndarray, effort: Effort, layout: Layout) -> np.ndarray:
        """Numbers of a batch, (T, rounds, 15)."""
        program = rounds_program(
            program_name(self.student),
            tuple(loss_name(probe) for probe, _ in self.rounds),
            self.n_features,
            bucket(self.n_pool),
            self.rerank_pool,
            effort,
            layout,
        )
        return np.asarray(program(self.scene, *self.rules(), trials))

    def fetched(self, trial: np.uint64) -> list[PrunedData]:
        """What each round leaves of the same draws, pruned by probes that the host trains."""
        (rules, probes), size = self.rules(), bucket(self.n_pool)

        def chance(what: int, number: int, size: int) -> np.ndarray:
            with device_numerics():
                return np.asarray(chance_program(size)(self.scene, trial, np.int32(what), np.int32(number)))

        with device_numerics():
            pool = np.asarray(pool_program(self.n_features, size)(self.scene, np.int32(self.n_pool), trial))
        train, n_seen = [trained_by_the_host(probe) for probe, _ in self.rounds], [int(own.n_seen) for own in probes]
        rounds = rounds_of(np, pool, self.n_pool, rules, n_seen, train, chance, rerank_pool=self.rerank_pool)
        return [
            PrunedData(np.asarray(one.rows)[:left], np.ones(left), np.asarray(one.probe))
            for one, left in zip(rounds, self.sizes, strict=True)
        ]


def rounds_on_devices(pools: OwnPools, trials: Sequence[int], *, memory_budget: int | None = None) -> Verified:
    """Simulates pools by their numbers; the results do not depend on how they are batched, to rounding."""
    return through_stages(pools, trials, memory_budget=memory_budget)
