"""The parameters of a stylization."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from shared.wire.base import Descriptor, Integral, Since, having

MIN_SIDE, DEFAULT_SIDE, MAX_SIDE = 64, 1024, 16_384
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE), Integral]
SIDE_OF_VERSION_1 = 4096  # the longest side that workers of the first record version accept
SIDE_TAG, ORIGINAL_TAG, UNSET_TAG = "side in pixels", "original side", "no side"  # never a member's name


def _tag_of_side(value: Any) -> str:
    return UNSET_TAG if value is None else ORIGINAL_TAG if value == "original" else SIDE_TAG


# Generated clients read an enum beside other types; the const that pydantic writes stops some of them.
Original = Annotated[Literal["original"], WithJsonSchema({"enum": ["original"], "type": "string"})]
MaxSide = Annotated[
    Annotated[Side, Tag(SIDE_TAG)] | Annotated[Original, Tag(ORIGINAL_TAG)] | Annotated[None, Tag(UNSET_TAG)],
    Discriminator(_tag_of_side),
]
Method = Literal["fast", "optimize"]
METHODS: tuple[Method, ...] = get_args(Method)
# Members of Params that have a meaning with one method only.
OF_THE_MINIMIZATION = ("total_variation", "iterations", "init", "levels", "seed", "max_seconds")
OF_THE_LOSSES = ("alpha", "beta")
OF_THE_MODEL = ("strength", "style_size", "style_crop", "stroke_side")


def _schema_of_methods(schema: dict[str, Any]) -> None:
    """Add what the validators of Params check: members of the other method have their defaults."""

    def left_alone(*names: str) -> dict[str, Any]:
        return {name: {"const": schema["properties"][name]["default"]} for name in names}

    schema |= {
        "if": having("method", {"const": "optimize"}),
        "then": {"properties": left_alone(*OF_THE_MODEL)},
        "else": {
            "properties": left_alone(*OF_THE_MINIMIZATION),
            "if": having("losses", {"const": True}),
            "else": {"properties": left_alone(*OF_THE_LOSSES)},
        },
    }


class Params(Descriptor):
    """The method of stylizing and its parameters."""

    model_config = ConfigDict(json_schema_extra=_schema_of_methods)

    method: Annotated[Method, Since(2)] = Field(
        "fast",
        description="'fast' is one pass through the model; 'optimize' minimizes the losses of "
        "arXiv:1508.06576 over the pixels, which takes minutes.",
    )
    losses: Annotated[bool, Since(2)] = Field(
        False,
        description="Measure the content and style losses of the result. This costs four runs of a VGG "
        "network, and one more for each further style. 'optimize' always measures them.",
    )
    strength: float = Field(
        1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="1 paints in the style alone, 0 leaves the content image as it is. Below 1, the style "
        "network also runs on the content.",
    )
    max_side: MaxSide = Field(
        None,
        description="Longest side of the stylized image, in pixels. A larger content image is scaled down, "
        "and the result's `source_width` says so. 'original' keeps the image's own size. Unset: 1024 with "
        "'fast'; with 'optimize' the largest side that its worker can paint in the service's "
        "`optimize_target_seconds`.",
    )
    style_size: Annotated[int, Field(ge=MIN_SIDE, le=1024), Integral] = Field(
        256,
        description="Side of the style image's squares when the model sees them, in pixels; 256 in training.",
    )
    style_crop: Annotated[Literal["tiles", "center", "fit"], Since(5)] = Field(
        "tiles",
        description="'tiles' is the mean style of squares along the longer side of the style image; to 3:2 "
        "one square. 'center' takes the centered square, 'fit' the whole image in its own aspect.",
    )
    stroke_side: Annotated[Side | None, Since(5)] = Field(
        None,
        description="The strokes look as large as on a picture with this longer side, in pixels: 512 gives "
        "larger ones than 1024. Unless set, results above 1024 pixels have the strokes of 1024.",
    )
    preserve_color: Literal["none", "luminance"] = Field(
        "none",
        description="'luminance' takes only the brightness from the stylized image and keeps the colors.",
    )
    animation: Annotated[Literal["first", "refuse"], Since(5)] = Field(
        "first",
        description="'first' paints the first frame of an animation (GIF, WebP, PNG or AVIF), with a warning "
        "in the result; 'refuse' fails the job.",
    )
    alpha: Annotated[float, Since(2)] = Field(
        1.0, ge=0, le=1e9, allow_inf_nan=False, description="Weight of the content loss in the total."
    )
    beta: Annotated[float, Since(2)] = Field(
        1000.0, ge=0, le=1e12, allow_inf_nan=False, description="Weight of the style loss in the total."
    )
    total_variation: Annotated[float, Since(2)] = Field(
        0.0,
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        description="Weight of the total variation (noise) in the total, for 'optimize'.",
    )
    iterations: Annotated[int, Field(ge=1, le=2000), Integral, Since(2)] = Field(
        150, description="Steps of the minimization, for 'optimize'."
    )
    init: Annotated[Literal["color", "fast", "content", "noise"], Since(2)] = Field(
        "color",
        description="Where the minimization begins: the content in the style's colors, the fast method's "
        "picture, the content, or noise.",
    )
    levels: Annotated[int, Field(ge=1, le=4), Integral, Since(2)] = Field(
        1,
        description="Sizes of the minimization, from coarse to fine, each twice the one before.",
    )
    seed: Annotated[int, Field(ge=0, lt=2**32), Integral, Since(2)] = Field(
        0, description="Seed of the noise that the minimization begins with."
    )
    max_seconds: Annotated[Annotated[int, Field(ge=1, le=86_400), Integral] | None, Since(2)] = Field(
        None,
        description="Time limit of the minimization, which then ends with its best picture so far. The "
        "service has a limit too.",
    )

    @property
    def longest_side(self) -> int:
        """Return the limit that `max_side` sets to the stylized image, in pixels."""
        return MAX_SIDE if self.max_side == "original" else self.max_side or DEFAULT_SIDE

    @property
    def leaves_size_to_worker(self) -> bool:
        return self.method == "optimize" and self.max_side is None

    @property
    def measures_losses(self) -> bool:
        """Return whether the result has its losses."""
        return self.losses or self.method == "optimize"

    def sides_of_passes(self, longest_side: int) -> list[int]:
        """Return the longer side of each pass of the fast method, from coarse to fine.

        Each is at most twice the one before, and the first is at most `stroke_side`.
        """
        sides = [longest_side]
        coarsest = self.stroke_side or DEFAULT_SIDE
        while sides[0] > coarsest:
            sides.insert(0, max(coarsest, (sides[0] + 1) // 2))
        return sides

    @field_validator(*OF_THE_MINIMIZATION, *OF_THE_LOSSES, *OF_THE_MODEL)
    @classmethod
    def _fits_the_method(cls, value: Any, others: ValidationInfo) -> Any:
        """Defaults are valid for every method, because responses include every member."""
        name = others.field_name or ""
        method, losses = others.data.get("method"), others.data.get("losses")
        if value == cls.model_fields[name].default:
            return value
        if method == "fast" and (name in OF_THE_MINIMIZATION or (name in OF_THE_LOSSES and not losses)):
            also = " or with `losses`" if name in OF_THE_LOSSES else ""
            raise PydanticCustomError("method", f"It applies only to method 'optimize'{also}")
        if method == "optimize" and name in OF_THE_MODEL:
            raise PydanticCustomError("method", "It applies only to method 'fast'; see alpha and beta")
        return value
