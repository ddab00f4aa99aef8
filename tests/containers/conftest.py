"""An engine, the images, and the composed service, once for all tests; at the end, sizes and times."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import Engine
from tests.containers.images import Images
from tests.system import requirements

REPORT: list[str] = []


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """podman; the tests are skipped where it runs nothing at all."""
    requirements.root()
    folder = Path(tempfile.mkdtemp(prefix="stylequeue-containers-", dir="/var/tmp"))
    engine = Engine(folder)
    try:
        if why := engine.trouble():
            REPORT.append(f"NOTHING WAS TESTED: THIS MACHINE RUNS NO CONTAINERS: {why}")
            pytest.skip(REPORT[-1])
        yield engine
    finally:
        engine.clear()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def images(engine: Engine) -> Images:
    images = Images(engine)
    images.build_all()
    REPORT.append(
        "built in: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in images.seconds.items())
    )
    return images


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if REPORT:
        terminalreporter.section("containers")
        for line in REPORT:
            terminalreporter.write_line(line)
