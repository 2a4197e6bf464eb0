"""How much may be pruned, and by which rule: an answer with intervals, from labelled embeddings alone."""

import time
from collections.abc import Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import encoded
from perceptron_pruning.embeddings.io.open import open_sources
from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.recommendation.chosen_student import student_for
from perceptron_pruning.embeddings.recommendation.options import error_of_all
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.recommendation.race import SHARE_ASIDE, Pool
from perceptron_pruning.embeddings.recommendation.request import (
    ClassWeights,
    Request,
    checked_request,
    importance_of,
    mix_text,
    sampled,
)
from perceptron_pruning.embeddings.recommendation.result import Evidence, Recommendation
from perceptron_pruning.embeddings.recommendation.run import Races
from perceptron_pruning.embeddings.recommendation.students import RIDGES, Student
from perceptron_pruning.embeddings.recommendation.whole_pool import whole_pool_difficulty
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, FolderCheckpoint, NoCheckpoint
from perceptron_pruning.embeddings.runtime.manifest import digest
from perceptron_pruning.embeddings.runtime.prepare import Sources
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS
from perceptron_pruning.output.provenance import package_version
from perceptron_pruning.parallel.blas_threads import one_blas_thread

RACES = 2  # of the races' own: what another number has finished is not gone on with


def recommend(
    embeddings: Sources,
    labels: ArrayLike,
    *,
    tolerance: float = 0.005,
    fractions: Sequence[float] | None = None,
    student: object = "softmax",
    ridges: Sequence[float] | None = None,
    folds: int | None = None,
    class_weights: ClassWeights = None,
    quick: bool = False,
    coverage: bool = False,
    sample_rows: int | None = None,
    n_components: int = SEEN_COMPONENTS,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> Recommendation:
    """How much of a labelled pool may be pruned, and by which rule: an answer with intervals.

    Folds of a fifth of the pool are put aside before anything is scored. The rest is scored by heads, every rule of a
    short list is applied to it at every fraction, a student is trained on what each keeps, at every setting of the
    student, and tested on the rows put aside. Random pruning and all rows are candidates like the others. The
    winner's advantage is measured on folds that did not choose it; it is then applied to the whole pool. Against random
    pruning to less than 0.4 it is that of the whole pool, of which the folds race four fifths: small random subsets
    gain more by a larger pool than all rows do, along a learning curve that the fractions are points of.

    The answer is for the named student and for pools of this size: at a few hundred rows a class the sign of hard
    against random flips, and `Recommendation.text` says which way it is going.

    Args:
        embeddings: (n ≥ 100, d), an array or a path as for `score`; several networks' side by side.
        labels: (n,), two classes at least.
        tolerance: Test error that may be lost against all rows, in (0, 1); 0.005 is half a point.
        fractions: Fractions to keep, in (0, 1). Default 0.1, 0.25, 0.5, 0.7, 0.85; quick 0.5, 0.7.
        student: "softmax", "knn", "max_margin", "two_layer", or an object with ``fit(inputs, labels, seed)`` that
            returns a function of inputs (n, d) to logits (n, C).
        ridges: Of the softmax student, each tried for every rule. Default 0.01 and 0.001; quick 0.001.
        folds: 2 to 5, of a fifth of the rows each. All of them choose, of 5000 rows or more two, while the others
            narrow the intervals. Default 5; quick 1.
        class_weights: Share of every class where the student will be used, on any scale, or "balanced"; by default
            that of the pool.
        quick: One fold, one ridge, fewer rules, no trend, and kept rows by the scores of that fold: within three times
            the cost of scoring and one training.
        coverage: Race the selections of `select` at every fraction: strata, k-centre, facility location, herding,
            covariance matching, quotas of classes; and the largest and smallest gradients (GraNd). Facility location
            and herding without the hardest rows of every class are raced below 0.4 anyway, where no class has more
            than 2000 rows.
        sample_rows: Rows to race on, drawn at random. Default all, of more than 100 000 rows 25 000.
        n_components: Principal components that students see, at most.
        seed: Of all draws.
        checkpoint: Folder of finished work: an interrupted call, repeated, resumes there. It stays: delete it when
            the recommendation is safe.
        progress: Told of the plan with its cost, once one head is trained, and of every fold. The cost is that of the
            whole call in seconds of one core, as a range; the time of `max_margin` and of students of your own is not
            known and left out.

    Returns:
        The recommendation: `answer`, `rule`, `metric`, `keep_fraction`, `change_against_random`,
        `change_against_all`, `table`, `kept`, and `kept_at` for another fraction.

    Raises:
        ValueError: A parameter is out of range, or the inputs do not match or are not finite.
        HeadFitError: A head diverged.

    References:
        Sorscher et al. 2022, arXiv:2206.14486 (pruning metrics and the class floor).

    Example:
        >>> from perceptron_pruning.embeddings import recommend
        >>> from perceptron_pruning.embeddings import load_fashion_mnist
        >>> data = load_fashion_mnist()
        >>> advice = recommend(data.train_embeddings[:1500], data.train_labels[:1500], fractions=[0.5], quick=True)
        >>> advice.verdict in ("prune", "random", "keep all", "cannot tell")
        True
    """
    begun = time.perf_counter()
    progress = progress or NoProgress()
    rows = _one_source(embeddings)
    classes, names = encoded(labels, len(rows))
    if n_components < 1:
        raise ValueError(f"`n_components` must be at least 1; got {n_components}")
    asked = checked_request(classes, names, tolerance, fractions, folds, quick, sample_rows, seed, coverage)
    racer = student_for(student, ridges or (RIDGES[-1:] if quick else RIDGES))
    sample = sampled(len(rows), sample_rows, seed)
    importance = importance_of(class_weights, classes[sample], names)
    with one_blas_thread():
        inputs = projected(rows, measure_projection(rows, n_components, progress), progress)
        pool = Pool(
            inputs=inputs[sample],
            classes=classes[sample],
            n_classes=len(names),
            importance=importance,
            seed=seed,
        )
        store = _checkpoint(checkpoint, pool, asked, racer, class_weights)
        races = Races(pool, asked, racer, store, progress)
        if type(progress) is not NoProgress:
            progress.say(races.cost_text(len(rows) - len(sample), time.perf_counter() - begun))
        options, judge = races.run()
        difficulty = whole_pool_difficulty(inputs, classes, sample, races.folds)
    evidence = Evidence(
        n_rows=len(rows),
        n_raced=len(sample),
        n_judged=sum(len(group.importance) for group in judge.groups),
        n_folds=asked.n_folds,
        n_trained=len(sample) - len(sample) // SHARE_ASIDE,
        student=racer.name,
        test_mix=mix_text(class_weights),
        is_quick=quick,
        error_of_all=error_of_all(judge),
        doubtful_share=float(difficulty.doubtful.mean()),
        seed=seed,
        seconds=round(time.perf_counter() - begun, 3),
    )
    return Recommendation(
        options=tuple(options), tolerance=tolerance, evidence=evidence, difficulty=difficulty, classes=classes
    )


def _one_source(embeddings: Sources) -> Rows:
    networks = open_sources(embeddings)
    if len(networks) > 1:
        raise ValueError(f"`embeddings` must be of one network here; got {len(networks)}: join them side by side")
    return networks[0]


def _checkpoint(
    folder: str | Path | None, pool: Pool, asked: Request, student: Student, class_weights: ClassWeights
) -> Checkpoint:
    if folder is None:
        return NoCheckpoint()
    weights = class_weights if isinstance(class_weights, str | None) else sorted(map(str, class_weights.items()))
    computation: dict[str, object] = {
        "version": package_version(),
        "races": RACES,
        "inputs": digest(pool.inputs),
        "classes": digest(pool.classes),
        "asked": vars(asked),
        "student": repr(student),
        "class_weights": weights,
        "seed": pool.seed,
    }
    return FolderCheckpoint(Path(folder), computation)
