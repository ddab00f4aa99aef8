"""The images that the Dockerfile makes, and what they may and may not hold."""

from __future__ import annotations

import json

import pytest

from tests.containers.conftest import REPORT
from tests.containers.engine import Engine
from tests.containers.images import RELEASE, Images
from tests.stacks.compose_files import dockerfile_targets

MOST_MEGABYTES = {"api": 400, "worker": 3200}
LOOKS_LIKE_A_SECRET = ("PASSWORD", "SECRET", "KEY", "TOKEN")

pytestmark = pytest.mark.timeout(1800)  # the first test waits for all images


@pytest.fixture(params=["api", "worker"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_image_is_no_larger_than_it_should_be(engine: Engine, images: Images, name: str) -> None:
    size = int(engine.podman("inspect", "--format", "{{.Size}}", images.names[name])) / 1e6
    REPORT.append(f"image {name}: {size:,.0f} MB")
    assert size < MOST_MEGABYTES[name]


def test_an_image_is_what_the_dockerfile_says(engine: Engine, images: Images, name: str) -> None:
    (image,) = json.loads(engine.podman("inspect", images.names[name]))
    target = dockerfile_targets()[name]
    assert image["Config"]["Cmd"] == target.command
    assert image["Config"]["User"] == target.user == "10001:10001"
    assert image["Healthcheck"]["Test"] == ["CMD", *target.health_check]
    variables = dict(line.split("=", 1) for line in image["Config"]["Env"])
    assert not [variable for variable in variables if any(word in variable for word in LOOKS_LIKE_A_SECRET)]


@pytest.mark.parametrize(("name", "absent"), [("api", "tensorflow"), ("worker", "flask")], indirect=["name"])
def test_an_image_holds_only_what_it_runs(engine: Engine, images: Images, name: str, absent: str) -> None:
    look = f"import importlib.util as u; print(u.find_spec('{absent}'), u.find_spec('shared') is not None)"
    found = engine.podman("run", "--rm", "--network", "none", images.names[name], "python", "-c", look)
    assert found == "None True"


def test_an_image_tells_its_version_and_commit(engine: Engine, images: Images, name: str) -> None:
    (image,) = json.loads(engine.podman("inspect", images.names[name]))
    labels = image["Config"]["Labels"]
    told = {part: labels[f"org.opencontainers.image.{part}"] for part in ("title", "version", "revision")}
    expected = {"title": f"stylequeue-{name}", "version": RELEASE["VERSION"], "revision": RELEASE["REVISION"]}
    assert told == expected
    look = "from importlib.metadata import version; print(version('stylequeue'))"
    found = engine.podman("run", "--rm", "--network", "none", images.names[name], "python", "-c", look)
    assert found == RELEASE["VERSION"]
