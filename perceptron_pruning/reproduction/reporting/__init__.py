"""The parts of a report: predictions and where they are tested, sentences that follow, the page, and the Markdown."""
