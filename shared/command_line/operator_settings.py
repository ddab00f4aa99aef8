"""The settings of an operator's command: the environment's, or those of the local stack in this folder."""

from __future__ import annotations

import os
import sys

from shared.command_line.running_stack import FOLDER, WHERE, RunningStack, running_stack
from shared.settings import Settings, settings_or_exit


def operator_settings() -> Settings:
    """Return the settings; exit with a sentence if one is malformed."""
    stack = running_stack()
    if stack is None or not stack.serves(os.environ):
        return settings_or_exit()
    sys.stderr.write(f"stylequeue: the service is the local stack in {FOLDER}\n")
    given = {name: value for name, value in os.environ.items() if value}
    return settings_or_exit({**stack.environment, **given})


def stack_with(api_url: str, settings: Settings) -> RunningStack:
    """Return the description of a stack: of its settings only what is not the default."""
    usual, given = Settings().to_environment(), settings.to_environment()
    told = {name: text for name, text in given.items() if name in WHERE or usual.get(name) != text}
    return RunningStack(api_url, told)
