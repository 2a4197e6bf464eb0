"""`recommend` against the truth: regret, coverage of its intervals and cost, on pools whose test rows it never sees.

    python benchmarks/recommend.py [SET ...]        # writes the rows of these sets (default all) of recommend.csv

Truth: students trained on what each of about 25 rules keeps of the whole pool, at each ridge, tested on all rows
outside the pool. *Regret* at a fraction is the test error of the rule that `recommend` names less that of the best
rule, in points; the best is named on one half of the test rows and both are measured on the other, and swapped, so
that small negative values occur. An interval *covers* if it and the truth differ by less than 1.96 standard errors of
both. Costs are processor seconds, also in units of one cold training on the whole pool plus its out-of-fold scoring.
The short list of rules and the smoothed errors were chosen on other draws of digits, fashion, pixels, resnet and
wordnet (seeds 2024 and 2025) and on digits 500 and digits 1000 with flips; the factor 1.6 of the standard errors, the
draws of random pruning and its step to the whole pool on 70 pools of 300 to 12 000 rows (seeds 80000 to 80069); how
many folds choose, and two rules of the smallest fraction, on six pools of 1000 to 1500 rows (seeds 9001 to 9006, 9101
and 9102). Representatives of every class, what they made superfluous and the number of leading rules were chosen on
24 pools of 330 to 2500 rows (seeds 70000 to 70023) and on 21 of the sets with held < 4.
Sets with 0 < held < 4 were seen by earlier versions of the algorithm; those with held = 4 were drawn when it was
finished. The Debian sets need ``apt-cache``.
"""

import argparse
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import description
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from perceptron_pruning.datasets.loaders import (
    load_fashion_mnist,
    load_fashion_mnist_images,
    load_fashion_mnist_resnet,
    load_wordnet,
)
from perceptron_pruning.embeddings import Recommendation, recommend
from perceptron_pruning.embeddings.io.rows import array_rows
from perceptron_pruning.embeddings.recommendation.difficulty import (
    AGNOSTIC,
    SIGNED,
    TRAINED,
    Difficulty,
    measure_difficulty,
    out_of_fold,
)
from perceptron_pruning.embeddings.recommendation.heads import CONVERGED, fit_head
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, RANDOM, Rule, random_rule, shortlist
from perceptron_pruning.embeddings.recommendation.students import RIDGES, SoftmaxStudent, Task
from perceptron_pruning.embeddings.runtime.progress import NoProgress
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS
from perceptron_pruning.output.tables import Row, read_table, write_table
from perceptron_pruning.parallel.blas_threads import one_blas_thread

TABLE = Path(__file__).with_suffix(".csv")
MOST_TEST_ROWS = 12_000
GROUPS = ("known", "held back", "drawn later", "drawn at the end", "drawn after the last change")  # by their `held`
RANDOM_DRAWS = 4


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A pool drawn from a source.

    Attributes:
        source: Name of the source.
        n: Rows of the pool.
        flips: Share of its labels that are flipped.
        tail: Largest over smallest class of the pool; the test is balanced.
        held: 0 if known when the algorithm was first chosen, 1 or 2 if held back then, 3 if drawn at its end, 4 if
            drawn after its last change.
        seed: Draws the pool.
    """

    source: str
    n: int
    flips: float = 0.0
    tail: float = 1.0
    held: int = 0
    seed: int = 12345


SETS = {
    "digits 1000": DataSet(source="digits", n=1000),
    "digits 1000, 10 % flipped": DataSet(source="digits", n=1000, flips=0.1),
    "fashion 1500": DataSet(source="fashion", n=1500),
    "fashion 5000, 10 % flipped": DataSet(source="fashion", n=5000, flips=0.1),
    "fashion 8000": DataSet(source="fashion", n=8000),
    "pixels 4000": DataSet(source="pixels", n=4000),
    "wordnet 1500": DataSet(source="wordnet", n=1500),
    "wordnet 6000": DataSet(source="wordnet", n=6000),
    "fashion 6000, tail 20:1, weights": DataSet(source="fashion", n=6000, tail=20.0, held=1),
    "digits 500": DataSet(source="digits", n=500, held=1),
    "resnet 1500": DataSet(source="resnet", n=1500, held=1),
    "resnet 4000, 10 % flipped": DataSet(source="resnet", n=4000, flips=0.1, held=1),
    "resnet 8000": DataSet(source="resnet", n=8000, held=1),
    "wordnet 3000, 10 % flipped": DataSet(source="wordnet", n=3000, flips=0.1, held=1),
    "wordnet 12000": DataSet(source="wordnet", n=12_000, held=1),
    "pixels 1200": DataSet(source="pixels", n=1200, held=1),
    "resnet 2500, seed 777": DataSet(source="resnet", n=2500, held=2, seed=777),
    "wordnet 2000, seed 777": DataSet(source="wordnet", n=2000, held=2, seed=777),
    "fashion 3000, 10 % flipped, seed 777": DataSet(source="fashion", n=3000, flips=0.1, held=2, seed=777),
    "debian 5000": DataSet(source="debian", n=5000, held=3),
    "debian 2000, 10 % flipped": DataSet(source="debian", n=2000, flips=0.1, held=3),
    "breast cancer 350": DataSet(source="cancer", n=350, held=3),
    "digits 900, seed 31": DataSet(source="digits", n=900, held=3, seed=31),
    "wordnet 4000, 10 % flipped, seed 31": DataSet(source="wordnet", n=4000, flips=0.1, held=3, seed=31),
    "resnet 8000, seed 31": DataSet(source="resnet", n=8000, held=3, seed=31),
    "digits 700, seed 911": DataSet(source="digits", n=700, held=4, seed=911),
    "wordnet 900, seed 912": DataSet(source="wordnet", n=900, held=4, seed=912),
    "pixels 1600, 10 % flipped, seed 913": DataSet(source="pixels", n=1600, flips=0.1, held=4, seed=913),
    "resnet 1800, 10 % flipped, seed 914": DataSet(source="resnet", n=1800, flips=0.1, held=4, seed=914),
    "fashion 2200, seed 915": DataSet(source="fashion", n=2200, held=4, seed=915),
    "debian 2500, seed 916": DataSet(source="debian", n=2500, held=4, seed=916),
    "wordnet 5500, seed 917": DataSet(source="wordnet", n=5500, held=4, seed=917),
}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Pool and test rows, classes 0..C−1."""

    pool: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def all_rows(source: str) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and labels of a source."""
    if source == "debian":
        return debian_descriptions()
    if source in ("digits", "cancer"):
        return {"digits": load_digits, "cancer": load_breast_cancer}[source](return_X_y=True)
    loaders = {"fashion": load_fashion_mnist, "resnet": load_fashion_mnist_resnet, "wordnet": load_wordnet}
    data = loaders.get(source, load_fashion_mnist)()
    labels = np.concatenate([data.train_labels, data.test_labels])
    if source != "pixels":
        return np.vstack([data.train_embeddings, data.test_embeddings]), labels
    images = load_fashion_mnist_images()
    pixels = np.concatenate([images.train, images.test]).astype(np.float32)
    return pixels.reshape(len(pixels), -1), labels


def debian_descriptions() -> tuple[np.ndarray, np.ndarray]:
    """Words of the descriptions of Debian's packages, tf-idf on 200 components; the 32 largest sections as classes."""
    listed = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    found = {}
    for entry in listed.split("\n\n"):
        section, text = (re.search(rf"^{field}: (.+)$", entry, re.MULTILINE) for field in ("Section", "Description"))
        if section and text:
            found[text[1]] = section[1].split("/")[-1]
    names, sizes = np.unique(list(found.values()), return_counts=True)
    largest = sorted(names[np.argsort(-sizes, kind="stable")[:32]].tolist())
    texts = [text for text, section in found.items() if section in largest]
    words = TfidfVectorizer(sublinear_tf=True, min_df=3).fit_transform(texts)
    rows = TruncatedSVD(200, random_state=0).fit_transform(words)
    return rows, np.array([largest.index(found[text]) for text in texts])


def draw(name: str) -> Drawn:
    """The pool and the test rows of a set."""
    wanted = SETS[name]
    rows, labels = all_rows(wanted.source)
    rng = np.random.default_rng(wanted.seed)
    order = rng.permutation(len(rows))
    pool, test = order[: wanted.n], order[wanted.n :][:MOST_TEST_ROWS]
    n_classes = int(labels.max()) + 1
    if wanted.tail > 1:
        sizes = np.bincount(labels[pool]).max() * wanted.tail ** (-np.arange(n_classes) / (n_classes - 1))
        members = [np.flatnonzero(labels[pool] == c)[: int(sizes[c])] for c in range(n_classes)]
        pool = pool[rng.permutation(np.concatenate(members))]
    given = labels[pool].copy()
    flipped = rng.choice(len(given), round(wanted.flips * len(given)), replace=False)
    given[flipped] = (given[flipped] + rng.integers(1, n_classes, flipped.size)) % n_classes
    return Drawn(pool=rows[pool], labels=given, test=rows[test], test_labels=labels[test])


def many_rules(fraction: float) -> list[Rule]:
    """The short list, no doubtful rows, and all windows of three margins, with and without equal shares of classes."""
    f = fraction
    skips = [s for s in (0.0, 0.05, 0.15, round((1 - f) / 2, 4), round(1 - f, 4)) if s + f <= 1]
    windows = [
        Rule(metric=metric, keep_fraction=f, skip=skip, class_floor=floor)
        for metric in (SIGNED, AGNOSTIC, TRAINED)
        for skip in skips
        for floor in (0.5, 1.0)
    ]
    sure = Rule(metric=RANDOM, keep_fraction=f, without_doubtful=True)
    return list(dict.fromkeys([*shortlist(f), sure, *windows]))


class Truth:
    """Mistakes on the test rows of students trained on what rules keep of the whole pool."""

    def __init__(self, drawn: Drawn):
        rows = array_rows(drawn.pool)
        projection = measure_projection(rows, SEEN_COMPONENTS, NoProgress())
        self.inputs, self.test = projection.apply(drawn.pool), projection.apply(drawn.test)
        self.labels, self.test_labels = drawn.labels, drawn.test_labels
        self.n_classes = int(drawn.labels.max()) + 1
        self.student = SoftmaxStudent(stop=CONVERGED)
        self.difficulty: Difficulty = measure_difficulty(self.inputs, self.labels, self.n_classes, 0)
        self.known: dict[tuple[Rule, str], np.ndarray] = {}

    def mistakes(self, rule: Rule, setting: str) -> np.ndarray:
        """(n_test,), of a random rule the mean of four draws."""
        if (rule, setting) not in self.known:
            draws = RANDOM_DRAWS if rule.metric == "random" else 1
            runs = [self._run(rule, seed) for seed in range(draws)]
            for number, name in enumerate(self.student.settings):
                self.known[rule, name] = np.mean([run[number] for run in runs], axis=0)
        return self.known[rule, setting]

    def _run(self, rule: Rule, seed: int) -> list[np.ndarray]:
        kept = rule.select(self.difficulty, self.labels, 1000 + seed)
        task = Task(
            inputs=self.inputs[kept],
            classes=self.labels[kept],
            n_classes=self.n_classes,
            start=self.difficulty.start,
            seed=seed,
        )
        return [score(self.test).argmax(axis=1) != self.test_labels for score in self.student.train(task)]

    def best_of(self, rules: list[Rule], half: slice) -> np.ndarray:
        """Mistakes of the rule and setting that are best on a half of the test rows."""
        runs = [self.mistakes(rule, setting) for rule in rules for setting in self.student.settings]
        return min(runs, key=lambda run: run[half].mean())

    def regret(self, mistakes: np.ndarray, rules: list[Rule]) -> float:
        """In points, against the best of the rules, named on one half of the test rows and measured on the other."""
        halves = (slice(0, None, 2), slice(1, None, 2))
        differences = [
            (mistakes - self.best_of(rules, naming))[measuring] for naming, measuring in (halves, halves[::-1])
        ]
        return 100 * float(np.concatenate(differences).mean())


def covers(said, difference: np.ndarray) -> bool:
    """Whether an interval and the true difference are compatible."""
    spread = np.hypot(said.standard_error, difference.std() / np.sqrt(len(difference)))
    return bool(abs(difference.mean() - said.value) <= 1.96 * spread)


def fraction_rows(name: str, advice: Recommendation, truth: Truth) -> list[Row]:
    """A row for every fraction."""
    best_all = truth.best_of([EVERYTHING], slice(None))
    table = []
    for option in advice.options:
        f, best = option.keep_fraction, option.best
        named = truth.mistakes(best.rule, best.setting)
        chance = truth.best_of([random_rule(f)], slice(None))
        rules = many_rules(f)
        hardest = truth.mistakes(Rule(metric=SIGNED, keep_fraction=f, class_floor=0.5), truth.student.settings[0])
        against_random = None if best.rule.is_random else covers(best.against_random, named - chance)
        table.append(
            {
                "set": name,
                "held": SETS[name].held,
                "rows": advice.evidence.n_rows,
                "keep_fraction": f,
                "rule": best.rule.text,
                "setting": best.setting,
                "said_against_random": round(100 * best.against_random.value, 2),
                "random_half_width": round(100 * best.against_random.half_width, 2),
                "true_against_random": round(100 * float((named - chance).mean()), 2),
                "covers_random": None if against_random is None else int(against_random),
                "said_against_all": round(100 * best.against_all.value, 2),
                "all_half_width": round(100 * best.against_all.half_width, 2),
                "true_against_all": round(100 * float((named - best_all).mean()), 2),
                "covers_all": int(covers(best.against_all, named - best_all)),
                "regret": round(truth.regret(named, rules), 3),
                "regret_random": round(truth.regret(chance, rules), 3),
                "regret_hardest": round(truth.regret(hardest, rules), 3),
            }
        )
    return table


def measured(name: str) -> list[Row]:
    """All rows of a set."""
    drawn = draw(name)
    weights = "balanced" if SETS[name].tail > 1 else None
    advice, seconds = timed(lambda: recommend(drawn.pool, drawn.labels, class_weights=weights))
    _, quick = timed(lambda: recommend(drawn.pool, drawn.labels, class_weights=weights, quick=True, fractions=[0.5]))
    with one_blas_thread():
        truth = Truth(drawn)
        inputs, labels, n_classes = truth.inputs, truth.labels, truth.n_classes
        trainings = [
            timed(lambda ridge=ridge: fit_head(inputs, labels, n_classes=n_classes, ridge=ridge))[1] for ridge in RIDGES
        ]
        _, scoring = timed(lambda: out_of_fold(inputs, labels, n_classes, 0))
        table = fraction_rows(name, advice, truth)
    unit = float(np.mean(trainings)) + scoring
    costs = {"seconds": round(seconds, 2), "cost": round(seconds / unit, 1), "quick_cost": round(quick / unit, 1)}
    print(advice.text)
    return [row | costs | {"verdict": advice.verdict, "keeps": advice.keep_fraction} for row in table]


def timed(work):
    """Result and processor seconds."""
    begun = time.process_time()
    result = work()
    return result, time.process_time() - begun


def summary(table: list[Row]) -> str:
    """Means over sets, coverage, costs."""
    lines = []
    for held, name in enumerate(GROUPS):
        rows = [row for row in table if row["held"] == held]
        if not rows:
            continue
        random = [row["covers_random"] for row in rows if row["covers_random"] is not None]
        lines.append(
            f"{name}: regret {np.mean([row['regret'] for row in rows]):.2f} points "
            f"(random {np.mean([row['regret_random'] for row in rows]):.2f}, "
            f"hardest {np.mean([row['regret_hardest'] for row in rows]):.2f}); worst against random "
            f"{max(row['true_against_random'] for row in rows):+.2f}; coverage against random {np.mean(random):.2f} "
            f"of {len(random)}, against all {np.mean([row['covers_all'] for row in rows]):.2f} of {len(rows)}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS), help="names of sets")
    asked = parser.parse_args().sets
    table = [row for row in (read_table(TABLE) if TABLE.exists() else []) if row["set"] not in asked]
    for name in asked:
        rows = measured(name)
        table += rows
        print(f"{name}: cost {rows[0]['cost']}, quick {rows[0]['quick_cost']}, {rows[0]['seconds']} s")
        print("\n".join(f"  {row['keep_fraction']}: {row}" for row in rows), flush=True)
        table.sort(key=lambda row: list(SETS).index(row["set"]))
        write_table(TABLE, table, comments=[description(), *summary(table).splitlines()])
    print(summary(table))


if __name__ == "__main__":
    main()
