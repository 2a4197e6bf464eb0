"""A recommendation in words: one sentence, a table of the fractions, and what it rests on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perceptron_pruning.embeddings.recommendation.options import Option, Tried, Verdict
from perceptron_pruning.embeddings.recommendation.rules import percent
from perceptron_pruning.evidence.effect import Effect

if TYPE_CHECKING:
    from perceptron_pruning.embeddings.recommendation.result import Evidence

HARMFUL = 1.0  # points above random from which keeping the hardest is warned of
RULE_WIDTH = 66  # characters of the table's column of rules


def points(effect: Effect) -> str:
    """A difference of error in points with its 95 % half width: "-1.7 ± 1.3"."""
    if not effect.standard_error > 0:
        return f"{100 * effect.value:+.1f}"
    return f"{100 * effect.value:+.1f} ± {100 * effect.half_width:.1f}"


def answer_text(
    verdict: Verdict, options: Sequence[Option], chosen: Tried | None, tolerance: float, evidence: "Evidence"
) -> str:
    """The sentence that answers how much may go, and by which rule."""
    if verdict == "cannot tell" or verdict == "keep all" or chosen is None:
        sentence = _not_pruned(verdict, options, tolerance, evidence)
    elif verdict == "random":
        sentence = (
            f"Keep {percent(chosen.rule.keep_fraction)} at random: {points(chosen.against_all)} points of error "
            "against all rows; no metric helps here"
        )
    else:
        sure = "" if _is_sure(chosen) else " (the gain over random is not sure)"
        sentence = (
            f"Keep {percent(chosen.rule.keep_fraction)}, {chosen.rule.text}: {points(chosen.against_all)} points of "
            f"error against all rows, {points(chosen.against_random)} against as many at random{sure}"
        )
    setting = f" ({chosen.setting})" if chosen is not None and chosen.setting else ""
    rough = "; a quick answer, rougher than the full one" if evidence.is_quick else ""
    sampled = f"; holds for pools of {evidence.n_raced} rows" if evidence.n_raced < evidence.n_rows else ""
    return f"{sentence}; for {evidence.student}{setting}{sampled}{rough}."


def _is_sure(entry: Tried) -> bool:
    return entry.against_random.value + entry.against_random.standard_error < 0


def _not_pruned(verdict: Verdict, options: Sequence[Option], tolerance: float, evidence: "Evidence") -> str:
    first = options[0].best
    limit = f"{100 * tolerance:g} points"
    if verdict == "keep all":
        return (
            f"Keep all rows: to keep {percent(first.rule.keep_fraction)} costs {points(first.against_all)} points of "
            f"error by the best rule tried, {first.rule.text}"
        )
    likely = [option.best for option in options if option.best.against_all.value <= tolerance]
    free = f"; likely free: {', '.join(_free(entry) for entry in likely)}" if likely else ""
    width = max(100 * option.best.against_all.half_width for option in options)
    return f"Cannot tell within {limit}: {evidence.n_raced} rows fix differences to ± {width:.1f} points{free}"


def _free(entry: Tried) -> str:
    return f"{percent(entry.rule.keep_fraction)} {entry.rule.text} ({points(entry.against_all)})"


def report_text(answer: str, options: Sequence[Option], evidence: "Evidence") -> str:
    """Answer, table, warnings and evidence, a line each."""
    head = f"{'kept':>6}  {'best rule':<{RULE_WIDTH}}{'against random':>16}{'against all':>14}"
    return "\n".join(
        [
            answer,
            head,
            *(_line(option) for option in options),
            *_warnings(options),
            *_trend(options, evidence),
            f"Labels in doubt: {percent(evidence.doubtful_share)}. "
            f"All rows: {100 * evidence.error_of_all:.1f} % error.",
            _judged(evidence),
        ]
    )


def _line(option: Option) -> str:
    best = option.best
    rule = best.rule.text + (f" ({best.setting})" if best.setting else "")
    unsure = "" if option.gain_is_sure or best.rule.is_random else " ?"
    random = "even" if best.rule.is_random else points(best.against_random) + unsure
    kept = percent(option.keep_fraction)
    return f"{kept:>6}  {rule:<{RULE_WIDTH}}{random:>16}{points(best.against_all):>14}"


def _warnings(options: Sequence[Option]) -> list[str]:
    """What keeping the hardest by margin would cost where it does most harm."""
    worst = max(options, key=lambda option: option.hardest_against_random.value)
    cost = worst.hardest_against_random
    if 100 * cost.low < HARMFUL:
        return []
    return [
        f"Do not keep the hardest by margin: at {percent(worst.keep_fraction)} that is {points(cost)} points of error "
        "against random."
    ]


def _trend(options: Sequence[Option], evidence: "Evidence") -> list[str]:
    """Which way a larger pool will go, from the fraction where the hardest gained or lost most with size."""
    known = [(option, option.hardest_trend) for option in options if option.hardest_trend is not None]
    if not known:
        return []
    option, (half, full) = max(known, key=lambda pair: abs(pair[1][1] - pair[1][0]))
    direction = "harder" if full < half else "easier"
    return [
        f"Trend: at {percent(option.keep_fraction)} the hardest went from {100 * half:+.1f} points against random "
        f"({evidence.n_trained // 2} rows) to {100 * full:+.1f} ({evidence.n_trained} rows): a larger pool will favour "
        f"{direction} rows."
    ]


def _judged(evidence: "Evidence") -> str:
    mix = "" if evidence.test_mix == "as the pool" else f", classes weighed {evidence.test_mix}"
    head = evidence.student == "a softmax head"
    carries = " It carries over to small networks on these embeddings, not to nearest neighbours." if head else ""
    return (
        f"Judged on {evidence.n_judged} rows put aside before scoring ({evidence.n_folds} folds), with the labels as "
        f"given{mix}; {evidence.seconds:.0f} s. Holds for {evidence.student}.{carries}"
    )
