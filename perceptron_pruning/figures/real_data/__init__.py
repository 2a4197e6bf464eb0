"""Figures of the paper's empirical half, on real data: a module each, from experiments to a table to a picture.

Every module has

- ``NAME``, ``TITLE``, ``CAPTION`` and ``WHAT_TO_SEE``, as the others;
- ``studies(settings, folder)``, the experiments it rests on, by name: what `run_study` takes. Figures that share an
  experiment give it the same name; the folder is for what its workers leave for each other;
- ``measured(settings, datasets)``, of their results the rows of its table that are measured (``kind`` "measured"),
  with a seed each;
- ``derived(rows)``, its other rows: means, intervals and fits, which follow from the measured ones alone;
- ``claims(table)``, what its table says of the paper's predictions, with verdicts;
- ``draw(table)``, its picture.
"""
