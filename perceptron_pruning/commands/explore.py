"""The command ``explore``."""

import webbrowser
from contextlib import suppress


def explore_command(*, port: int = 0, no_browser: bool = False) -> None:
    """Explore the theory in a browser: move α, f, probe, rule and student, and see the error.

    A page on this machine's loopback address, which works offline; Ctrl-C stops it. No framework: Python's own server,
    one page of plain HTML, nothing to install. Processes of its own solve what a move shows, from few points to all.

    Example: perceptron-pruning explore --port 8080

    Parameters
    ----------
    port
        Port of 127.0.0.1. Default: one that is free.
    no_browser
        Whether to print the address alone, and open no browser.
    """
    if not 0 <= port < 65536:
        raise ValueError(f"`--port` must be in [0, 65535], 0 for one that is free; got {port}")
    from perceptron_pruning.explorer.server import Explorer

    with _bound(Explorer, port) as explorer:
        print(f"The theory is at {explorer.url} (Ctrl-C stops it)", flush=True)
        if not no_browser:
            webbrowser.open(explorer.url)
        with suppress(KeyboardInterrupt):  # which is how it is stopped
            explorer.serve_forever()


def _bound(server, port: int):
    try:
        return server(port)
    except OSError as error:
        raise OSError(f"`--port` {port} cannot be used ({error.strerror}); leave it out for one that is free") from None
