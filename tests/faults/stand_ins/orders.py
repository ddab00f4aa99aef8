"""Pictures that tell the scripted model what to do, by the color of a plain PNG, which decoding keeps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from PIL import Image

from tests.files.pictures import saved

SIZE = (32, 24)
CLOCK_VARIABLE = "FAULTS_CLOCK_SECONDS"  # how far a worker's clock is wrong
SIGNING_CLOCK_VARIABLE = "FAULTS_SIGNING_CLOCK_SECONDS"  # how far it is wrong in what the worker signs for S3
LEVEL_VARIABLE = "FAULTS_LEVEL"  # what a worker understands, as if it were of another version
MILLISECONDS_PER_STEP = 4  # up to a second fits into one channel


class ModelAction(IntEnum):
    """The model's reaction to the picture, in its first channel."""

    PAINT = 10
    KILL = 60  # the process ends as the kernel's OOM killer would end it
    MEMORY_ERROR = 110
    EXIT = 160  # SystemExit, from within
    NO_ROOM = 210  # the device has no memory for the call
    GREED = 235  # takes memory until somebody stops it


@dataclass(frozen=True)
class Order:
    """An order to the model; `variant`, 0 to 255, makes pictures differ."""

    action: ModelAction = ModelAction.PAINT
    milliseconds: int = 20
    variant: int = 0

    def picture(self, size: tuple[int, int] = SIZE) -> bytes:
        color = (int(self.action), min(255, self.milliseconds // MILLISECONDS_PER_STEP), self.variant)
        return saved(Image.new("RGB", size, color))

    @classmethod
    def of_color(cls, red: int, green: int, blue: int) -> Order:
        return cls(ModelAction(red), green * MILLISECONDS_PER_STEP, blue)


def model_of(level: int) -> str:
    """Return the handle with which workers of this level mark pictures."""
    return f"obedient-{level}"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
