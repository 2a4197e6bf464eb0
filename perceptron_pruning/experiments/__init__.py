"""Experiments on embeddings: which rule keeps the better training set, on which data, for which student."""

from perceptron_pruning.experiments.plan import Plan
from perceptron_pruning.experiments.run import experiment
from perceptron_pruning.experiments.source import Source, source_of
from perceptron_pruning.experiments.students.heads import STUDENTS, Student
from perceptron_pruning.experiments.transfer import Target, transfer

__all__ = ["STUDENTS", "Plan", "Source", "Student", "Target", "experiment", "source_of", "transfer"]
