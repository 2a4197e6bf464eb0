"""The figures of the paper, and B1 to B5 beyond it: a module each, from simulated cells to a table to a picture.

Every module has

- ``NAME``, by which it is asked for, ``TITLE``, and ``CAPTION``, whose fields are those of the settings;
- ``WHAT_TO_SEE``, where a reader should look, and what to compare;
- ``cells(settings)``, the points it wants simulated;
- ``compute(settings, simulated)``, its table: rows of theory, and of the simulated points that are there;
- ``draw(table)``, its picture;

and may have

- ``studies(settings, folder)``, experiments on embeddings that it rests on, by name: ``simulated.datasets`` has them;
- ``claims(table)``, what its table says of the paper's predictions, with verdicts.
"""
