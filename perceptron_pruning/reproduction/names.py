"""Files of a reproduction that are no figure's own."""

HTML, MARKDOWN = "report.html", "README.md"
POINTS, CLAIMS, TIMINGS = "simulation.csv", "claims.csv", "timings.csv"
Z_SCORES = "z_scores"
NARROW = "narrow"  # folder of the same pictures for narrow windows
