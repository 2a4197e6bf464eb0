"""The command ``experiment``; what takes long to import waits until it is called."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Many = Parameter(consume_multiple=True)


def experiment_command(
    embeddings: str = "fashion-mnist",
    *,
    labels: str | None = None,
    test_embeddings: str | None = None,
    test_labels: str | None = None,
    images: str | None = None,
    test_images: str | None = None,
    pool_sizes: Annotated[tuple[int, ...], Many] = (100, 400, 1600, 3200),
    keep_fractions: Annotated[tuple[float, ...], Many] = (0.25, 0.5, 1.0),
    metrics: Annotated[tuple[str, ...], Many] = ("margin",),
    students: Annotated[tuple[str, ...], Many] = ("softmax",),
    class_floors: Annotated[tuple[float, ...], Many] = (0.5,),
    seeds: int = 5,
    validation: int = 0,
    target_classes: int = 0,
    shots: int = 10,
    output: Path = Path("experiment"),
    workers: int | None = None,
) -> int:
    """Retrain students from scratch on pruned pools of embeddings: hard, easy or random, at every size.

    Stop it however you like; the same command goes on where it stopped. The output folder gets the table (netCDF),
    its means with 95 % intervals (CSV), and a verdict on each of the paper's predictions that the axes allow. It ends
    in one sentence a student: how much of the largest pool may go, and by which rule.

    Example: perceptron-pruning experiment wordnet --pool-sizes 200 800 3200 12800 --metrics el2n margin_label_agnostic

    Example, ImageNet through a network of your own, features (n, d) in half precision and labels 0 to 999 (a folder of
    shards, Parquet with a list column or safetensors do as well): perceptron-pruning experiment train_features.npy
    --labels train_labels.npy --test-embeddings val_features.npy --test-labels val_labels.npy --pool-sizes 20000 40000
    80000 160000 --keep-fractions 0.5 0.7 0.9 1 --metrics memorization self_supervised_prototypes --output imagenet

    Example, CIFAR-10 or SVHN: the same with --pool-sizes 400 1600 6400 25600 --metrics el2n --class-floors 0 0.5

    Parameters
    ----------
    embeddings
        .npy, .npz, .parquet, .safetensors or a folder of such shards, with the rows of the labels; or fashion-mnist,
        fashion-mnist-resnet, fashion-mnist-pixels (with the images), wordnet, which come with the package.
    labels, test_embeddings, test_labels
        Needed unless the data come with the package.
    pool_sizes
        Examples before pruning; several make the size's effect visible, four or more a scaling law.
    keep_fractions
        In (0, 1]; with 1 the envelope has its baseline.
    metrics
        all, or names.
    students
        softmax, ridge, max_margin, soft_margin, two_layer on embeddings; resnet (resnet_quick, resnet_large) on
        pixels, trained end to end. One recipe each, whatever the rule.
    images, test_images
        Pixels behind the rows, .npy of shape (n, height, width[, channels]), for the students that see them. Whatever a
        student sees, metrics see the embeddings.
    class_floors
        Shares of its proportional quota that a class is sure of; two of them show the floor's effect.
    seeds
        Each draws its own pools; intervals are over them.
    validation
        Training rows kept out of all pools, for the influence metrics.
    target_classes, shots
        With a number of target classes it is transfer that is tested: networks (two_layer, resnet) are pretrained on
        pruned pools of all other classes, and a linear head on their features learns the target classes from so many
        rows each. Every seed draws which classes.
    output
        Folder.
    workers
        Processes. Default: one a core, on the CPU. 0: this process, on the accelerator that JAX finds.
    """
    from perceptron_pruning.commands.preflight import check_no_file
    from perceptron_pruning.evidence.claim import as_text
    from perceptron_pruning.experiments import Plan, Target, experiment, source_of, transfer
    from perceptron_pruning.experiments.analysis.answer import answers
    from perceptron_pruning.experiments.analysis.judge import judge
    from perceptron_pruning.experiments.analysis.transfer_claims import judge_transfer
    from perceptron_pruning.experiments.findings import write_files
    from perceptron_pruning.parallel import ProcessExecutor
    from perceptron_pruning.studies.errors import SweepError

    check_no_file(output, "--output")
    plan = Plan(
        pool_sizes=tuple(sorted(pool_sizes)),
        keep_fractions=tuple(sorted(keep_fractions)),
        metrics=metrics,
        students=students,
        class_floors=class_floors,
        n_seeds=seeds,
        n_validation=validation,
    )
    places = (labels, test_embeddings, test_labels, images, test_images)
    given = [place for place in places if place is not None]
    try:
        with ThreadPoolExecutor(1) if workers == 0 else ProcessExecutor(workers) as executor:
            source = source_of(embeddings, *given)
            if target_classes:
                target = Target(n_classes=target_classes, shots=shots)
                table = transfer(source, plan, output, target=target, executor=executor)
            else:
                table = experiment(source, plan, output, executor=executor)
    except SweepError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Interrupted: what is done is in {output}; the same command goes on there", file=sys.stderr)
        return 130
    print(as_text(write_files(table, output, judge_transfer if target_classes else judge)))
    if not target_classes:
        print("\n" + "\n".join(answers(table.test_error)))
    print(f"\nTable, means and findings are in {output}")
    return 0
