"""The theory in a browser: a page on the loopback address, its server, and what it asks of `replica_theory`.

No framework: Python's own `http.server` and one page of plain HTML, CSS and JavaScript. Nothing is to be installed, the
page works offline, and a move of a slider costs one request and what the theory takes.
"""
