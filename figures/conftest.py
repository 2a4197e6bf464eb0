"""``pytest figures --regenerate``: tables and pictures are written anew before they are tested."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def pytest_addoption(parser):
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="rewrite the tables, pictures and report in figures/ (as reproduce --full does) and test them. What was "
        "simulated or trained stays in stores there, so that an interrupted run goes on; delete *.zarr to begin anew",
    )


@pytest.fixture(scope="session", autouse=True)
def _regenerated(request):
    if not request.config.getoption("--regenerate", default=False):
        return
    from perceptron_pruning.reproduction.run import reproduce
    from perceptron_pruning.reproduction.suites import FIELD, PAPER, REAL_DATA

    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # shows the bar
        reproduce(FOLDER, PAPER.full, PAPER)
        reproduce(FOLDER / "real_data", REAL_DATA.full, REAL_DATA)
        reproduce(FOLDER / "field", FIELD.full, FIELD)
