"""``pytest figures --regenerate``: tables and pictures are written anew before they are tested."""

from pathlib import Path

import pytest

from perceptron_pruning.figures.settings import FULL

FOLDER = Path(__file__).parent


def pytest_addoption(parser):
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="rewrite the tables, pictures and report in figures/ (as reproduce --full does) and test them. What was "
        "simulated stays in figures/*.zarr, so that an interrupted run goes on; delete these to simulate anew",
    )


@pytest.fixture(scope="session", autouse=True)
def _regenerated(request):
    if not request.config.getoption("--regenerate", default=False):
        return
    from perceptron_pruning.reproduction.run import reproduce

    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # shows the bar
        reproduce(FOLDER, FULL)
