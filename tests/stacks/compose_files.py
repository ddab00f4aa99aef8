"""docker-compose.yml, .env.example and the Dockerfile, read as Docker Compose reads them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]
ENV_EXAMPLE = ROOT / ".env.example"
PASSWORD = "change-me"
VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:?[-?])([^{}]*))?\}|\$")


def operators_environment(**changes: str) -> dict[str, str]:
    """Return .env.example with the passwords set."""
    values = dotenv_values(ENV_EXAMPLE, interpolate=False)
    given = {name: (value or "").replace(PASSWORD, f"{name.lower()}-1234") for name, value in values.items()}
    given |= changes
    return {name: interpolated(value, given) for name, value in given.items()}


def compose(environment: Mapping[str, str], file: str = "docker-compose.yml") -> dict[str, Any]:
    """Return a compose file with its variables replaced, and without the parts that begin with x-."""
    text = yaml.safe_load((ROOT / file).read_text("utf-8"))
    return {name: _replaced(part, environment) for name, part in text.items() if not name.startswith("x-")}


def interpolated(text: str, environment: Mapping[str, str]) -> str:
    """Apply Compose's rules: ${A}, ${A:-default}, ${A-default}, ${A:?why}, ${A?why}, and $$ for a dollar.

    Raises:
        KeyError: a required variable is missing, or a dollar begins none of these.
    """

    def value(match: re.Match[str]) -> str:
        name, operator, word = match.groups()
        if name is None:
            if match.group() == "$$":
                return "$"
            raise KeyError(f"a lone dollar in {text!r}")
        found = environment.get(name)
        missing = not found if (operator or "").startswith(":") else found is None
        if not missing:
            return str(found)
        if (operator or "").endswith("?"):
            raise KeyError(f"{name}: {word}")
        return word or ""

    return VARIABLE.sub(value, text)


def service_environment(service: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return a service's variables; one without a value is passed on if .env has it."""
    named = service.get("environment", {})
    passed = {name: environment.get(name) if value is None else str(value) for name, value in named.items()}
    return {name: value for name, value in passed.items() if value is not None}


def _replaced(part: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return interpolated(part, environment)
    if isinstance(part, list):
        return [_replaced(item, environment) for item in part]
    if isinstance(part, dict):
        return {name: _replaced(item, environment) for name, item in part.items()}
    return part


@dataclass
class Target:
    """The defaults of an image of the Dockerfile."""

    command: list[str] = field(default_factory=list)
    health_check: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    copied: list[str] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)


def dockerfile_targets() -> dict[str, Target]:
    """Return each stage of the Dockerfile, with the instructions of the stages that it begins with."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    targets: dict[str, Target] = {}
    stage = Target()
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = targets[name] = _begun(targets.get(base))
        elif instruction == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif instruction == "USER":
            stage.user = rest
        elif instruction == "CMD":
            stage.command = json.loads(rest)
        elif instruction == "HEALTHCHECK":
            stage.health_check = json.loads(rest.partition("CMD ")[2])
        elif instruction == "COPY":
            stage.copied.append(rest)
        elif instruction == "RUN" and "pip install" in rest:
            stage.installed.append(rest)
    return targets


def _begun(base: Target | None) -> Target:
    if base is None:
        return Target()
    return Target(
        base.command, base.health_check, dict(base.environment), base.user, [*base.copied], [*base.installed]
    )
