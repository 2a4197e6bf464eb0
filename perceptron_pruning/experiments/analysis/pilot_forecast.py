"""What a pilot's forecasts are worth: how near they are to students of larger pools, and what choosing by them costs.

The distance of a forecast is pool size over pilot size, M/n. All numbers are means over seeds, each of which draws its
own probe, pilot and pools.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.pilot_forecasts import FORECASTS
from perceptron_pruning.experiments.plan import RULES, SEED
from perceptron_pruning.output.tables import Row

FORECAST = "forecast"  # the whole law within the pilot, the plane beyond it
Place = tuple[str, int, float]  # pair, pool size and keep fraction


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Students of every rule in one place, and what one seed's pilot said of them.

    Attributes:
        place: Pair of classes, M and f.
        pilot_rows: n.
        seed: Of probe, pilot and pools.
        errors: Measured, by rule, > 0.
        noise: Their standard errors over draws of the pool.
        forecasts: By forecast and rule.
    """

    place: Place
    pilot_rows: int
    seed: int
    errors: dict[str, float]
    noise: dict[str, float]
    forecasts: dict[str, dict[str, float]]

    @property
    def distance(self) -> float:
        """M/n."""
        return self.place[1] / self.pilot_rows

    def predicted(self, forecast: str) -> dict[str, float]:
        """Predicted error by rule, at least half an error among the pilot's rows."""
        name = forecast if forecast != FORECAST else "whole_law" if self.distance <= 1 else "plane"
        return {rule: max(value, 0.5 / self.pilot_rows) for rule, value in self.forecasts[name].items()}


def outcomes_of(rows: Iterable[Row]) -> list[Outcome]:
    """Of a table's measured rows: of students, and of forecasts, which have ``pilot_rows``.

    Places where a rule's students made no error are left out.
    """
    students: dict[tuple[Place, int], dict[str, Row]] = {}
    pilots: dict[tuple[Place, int, int], dict[str, Row]] = {}
    for row in rows:
        place: Place = (row["pair"], row["pool_size"], row["keep_fraction"])
        if row.get("pilot_rows") is None:
            students.setdefault((place, row[SEED]), {})[row["rule"]] = row
        else:
            pilots.setdefault((place, row[SEED], row["pilot_rows"]), {})[row["rule"]] = row
    found = [
        Outcome(
            place=place,
            pilot_rows=pilot_rows,
            seed=seed,
            errors={rule: students[place, seed][rule]["test_error"] for rule in RULES},
            noise={rule: students[place, seed][rule]["standard_error"] for rule in RULES},
            forecasts={name: {rule: by_rule[rule][name] for rule in RULES} for name in FORECASTS},
        )
        for (place, seed, pilot_rows), by_rule in pilots.items()
    ]
    return [outcome for outcome in found if min(outcome.errors.values()) > 0]


def within(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of pools no larger than the pilot."""
    return [outcome for outcome in outcomes if outcome.distance <= 1]


def beyond(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of larger pools."""
    return [outcome for outcome in outcomes if outcome.distance > 1]


def log_differences(outcomes: Sequence[Outcome], forecast: str) -> np.ndarray:
    """Root mean square of ln(measured/predicted) over places and rules, (seeds,); refused forecasts are left out."""

    def of(outcome: Outcome) -> list[float]:
        predicted = outcome.predicted(forecast)
        return [float(np.log(outcome.errors[rule] / predicted[rule])) ** 2 for rule in RULES]

    return np.sqrt(_by_seed(outcomes, of))


def log_bias(outcomes: Sequence[Outcome], forecast: str) -> np.ndarray:
    """Mean of ln(measured/predicted) over places and rules, (seeds,); refused forecasts are left out."""

    def of(outcome: Outcome) -> list[float]:
        predicted = outcome.predicted(forecast)
        return [float(np.log(outcome.errors[rule] / predicted[rule])) for rule in RULES]

    return _by_seed(outcomes, of)


def measuring_noise(outcomes: Sequence[Outcome]) -> np.ndarray:
    """Root mean square of the relative standard errors over draws, (seeds,)."""
    return np.sqrt(_by_seed(outcomes, lambda o: [(o.noise[rule] / o.errors[rule]) ** 2 for rule in RULES]))


def _by_seed(outcomes: Sequence[Outcome], values: Callable[[Outcome], list[float]]) -> np.ndarray:
    """Means of values over a seed's outcomes, (seeds,)."""
    groups: dict[int, list[float]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.seed, []).extend(values(outcome))
    return np.array([np.nanmean(groups[seed]) for seed in sorted(groups)])


# choosing a rule

Choice = Callable[[Outcome], str]


def by_forecast(name: str) -> Choice:
    """The rule of least predicted error; random where a forecast is refused for every rule."""

    def choice(outcome: Outcome) -> str:
        predicted = outcome.predicted(name)
        return min(RULES, key=lambda rule: np.nan_to_num(predicted[rule], nan=np.inf))

    return choice


def always(rule: str) -> Choice:
    """One rule everywhere."""
    return lambda outcome: rule


def best_rules(outcomes: Sequence[Outcome]) -> dict[Place, str]:
    """The rule of least error in every place, mean over seeds: what a choice is held against."""
    groups: dict[Place, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.place, []).append(outcome)
    return {
        place: min(RULES, key=lambda rule: np.mean([o.errors[rule] for o in group])) for place, group in groups.items()
    }


def regrets(outcomes: Sequence[Outcome], choice: Choice, best: dict[Place, str]) -> np.ndarray:
    """Mean of ln ε of the chosen rule less that of the best on average over seeds, (seeds,)."""
    return _by_seed(outcomes, lambda o: [float(np.log(o.errors[choice(o)] / o.errors[best[o.place]]))])


def best_fixed_rule(outcomes: Sequence[Outcome], best: dict[Place, str]) -> str:
    """The rule that, used everywhere, has the least mean regret in hindsight."""
    return min(RULES, key=lambda rule: regrets(outcomes, always(rule), best).mean())


def strategies(outcomes: Sequence[Outcome]) -> dict[str, Choice]:
    """Forecasts and fixed rules, by name."""
    return {name: by_forecast(name) for name in (FORECAST, *FORECASTS)} | {rule: always(rule) for rule in RULES}


def by_distance(outcomes: Sequence[Outcome]) -> dict[float, list[Outcome]]:
    """Outcomes of each M/n, ascending."""
    groups: dict[float, list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.distance):
        groups.setdefault(outcome.distance, []).append(outcome)
    return groups


def mean_regret(outcomes: Sequence[Outcome], choice: Choice, best: dict[Place, str]) -> Effect:
    """Of a choice, over seeds."""
    return effect(regrets(outcomes, choice, best))
