"""Losses as workers report them."""

from __future__ import annotations

from shared.wire.loss_records import CurvePoint, LossReport, LossValues, Optimization

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


def values(content: float, style: float) -> LossValues:
    """Return values with the default weights, for a picture whose content layer has eight elements."""
    return LossValues(
        content=content,
        style=style,
        total=content + 1000 * style,
        style_by_layer=dict.fromkeys(STYLE_LAYERS, style),
        content_per_element=content / 4,
        style_per_element=4 * style,
    )


def report(content: float, style: float) -> LossReport:
    before = values(0.0, 9.0)
    return LossReport(
        **values(content, style).model_dump(),
        alpha=1.0,
        beta=1000.0,
        network="vgg16 (embedded)",
        content_image=before,
    )


OPTIMIZATION = Optimization(
    iterations=3,
    stopped_by="iterations",
    curve=tuple(
        CurvePoint(iteration=step, content=step, style=4.0 - step, total=step + 1000 * (4.0 - step))
        for step in (1, 2, 3)
    ),
)
