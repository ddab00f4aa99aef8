"""The values of a network for one picture: pictures that are computed band by band, and small tensors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

HEIGHT, WIDTH, CHANNELS = 1, 2, 3  # axes
Tensor = Any  # tf.Tensor


@dataclass(frozen=True)
class Band:
    """Rows from `begin` to before `end`."""

    begin: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.begin)

    def hull(self, other: Band) -> Band:
        """Return the smallest band that holds both; an empty one adds nothing."""
        if not len(self) or not len(other):
            return self if len(self) else other
        return Band(min(self.begin, other.begin), max(self.end, other.end))


NOTHING = Band(0, 0)


@dataclass(frozen=True)
class Recipe:
    """The way to compute a band from bands of a layer's inputs.

    `compute` gets a tensor for each of `needs`, None where that is empty, and the layer's small tensors.
    Recipes of one layer with equal keys compute the same.
    """

    needs: tuple[Band, ...]
    key: Hashable
    compute: Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]


@dataclass(eq=False)
class Layer:
    """A tensor of the network that holds a picture, float32 [1, height, width, channels].

    Its stage is the number of means over the whole picture that must be known before it can be computed.
    """

    height: int
    width: int
    channels: int
    recipe: Callable[[Band], Recipe]
    inputs: tuple[Layer, ...] = ()
    small: tuple[Small, ...] = ()
    stage: int = field(init=False)
    name: str = ""

    def __post_init__(self) -> None:
        stages = [layer.stage for layer in self.inputs] + [small.stage for small in self.small]
        self.stage = max(stages, default=0)

    @property
    def size(self) -> int:
        """Return the number of its values."""
        return self.height * self.width * self.channels


@dataclass(eq=False)
class Small:
    """A tensor without rows of a picture, such as a style's parameters. `value` is set in its stage."""

    stage: int = 0
    value: Tensor = None
    compute: Callable[[], Tensor] | None = None  # from other values of this stage


@dataclass(eq=False, kw_only=True)
class Reduction(Small):
    """The mean or the sum of a layer over all its pixels, known once the stage before its own has ended."""

    layer: Layer
    finish: Callable[[Any], Tensor]  # from the sums of the channels, float64
