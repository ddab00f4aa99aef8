"""The packages that each package loads in a fresh interpreter; import-linter reads the same law from the
source.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULES = {
    "shared.store.jobs, shared.broker.queue, shared.storage.objects, shared.settings": (
        "api worker client local flask tensorflow numpy PIL"
    ),
    "api.app": "worker client local tensorflow numpy PIL",
    "worker.process, worker.tasks": "api client local flask tensorflow",  # TensorFlow comes with the start
    "simulation.command": "api worker local celery redis boto3 botocore flask tensorflow numpy PIL",
    "worker.model.stylizer": "api client local flask",
    "client, client.command": "api worker local celery redis boto3 botocore flask tensorflow numpy PIL",
}


@pytest.mark.parametrize("modules", MODULES)
def test_a_fresh_interpreter_loads_nothing_forbidden(modules: str) -> None:
    program = f"import sys, {modules}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert loaded & {"shared", "worker", "api", "client"}
    assert not loaded & set(MODULES[modules].split())
