"""Figures of the papers that followed, recomputed by one engine: a module each.

Every module has

- ``NAME``, ``TITLE``, ``CAPTION`` and ``WHAT_TO_SEE``, as the others;
- ``SECONDS``, about how long its full table takes on one core;
- ``theory_of(row)``, the theory's number of a row of its table, from the row's other columns alone;
- ``compute(settings)``, its table: theory, simulation beside it, and what a paper has published, if anything;
- ``claims(table)``, what its table says of the paper's statements, with verdicts;
- ``draw(table)``, its picture.

``kolossov2023_theory.csv`` has the 495 theory values published with Kolossov, Montanari & Tandon 2023
(arXiv:2309.14563; repository granica-ai/DataSelectionICLR2024, Apache-2.0; numbers alone are taken).
``elfirdoussi2024_theory.csv`` has 56 errors by the formulas published with El Firdoussi et al. 2024 (arXiv:2410.08942;
repository elfirdoussilab1/Synthetic-data; numbers alone): of its Fig. 4, and of real and synthetic examples as here.
"""
