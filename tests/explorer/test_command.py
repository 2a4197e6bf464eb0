"""The command: it says where the page is, and Ctrl-C is how it ends."""

import re
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest

from perceptron_pruning.commands.explore import explore_command

COMMAND = [sys.executable, "-m", "perceptron_pruning.cli", "explore", "--no-browser"]


# What a script starts in its background ignores Ctrl-C; SIGTERM, which `kill` sends, must end it there too.
IN_THE_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND]


@pytest.mark.parametrize(
    ("command", "end"),
    [(COMMAND, signal.SIGINT), (COMMAND, signal.SIGTERM), (IN_THE_BACKGROUND, signal.SIGTERM)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM in the background of a script"],
)
def test_it_prints_its_address_and_a_signal_ends_it(command, end):
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/", run.stdout.readline())
        assert address
        with urlopen(address[0], timeout=60) as page:
            assert b"Which examples to keep" in page.read()
        run.send_signal(end)
        _, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (0, "")


def test_a_port_that_is_taken_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"`--port` {port} cannot be used .*leave it out for one that is free"):
            explore_command(port=port, no_browser=True)


def test_a_port_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"`--port` must be in \[0, 65535\], 0 for one that is free; got 70000"):
        explore_command(port=70000)
