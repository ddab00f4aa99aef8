"""The content and style losses of a picture (arXiv:1508.06576), for clients."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class LossValues(BaseModel, frozen=True):
    """The losses of one picture, as in the paper and per element; the latter compare different sizes."""

    content: float = Field(description="Equation 1 at conv4_2: 1/2 of the sum of (F - P)^2.")
    style: float = Field(description="Equation 5: the sum over the layers of 1/5 E_l.")
    total: float = Field(description="Equation 7: alpha * content + beta * style.")
    style_by_layer: dict[str, float] = Field(description="Equation 4, E_l, for conv1_1 to conv5_1.")
    content_per_element: float = Field(description="The mean of (F - P)^2.")
    style_per_element: float = Field(
        description="The mean over the layers of the mean of (G / M - A / M)^2, by each picture's own M."
    )


class LossReport(LossValues):
    """The losses of a result and, for comparison, those of the content picture."""

    alpha: float
    beta: float
    network: str = Field(description="The network of the features, 'vgg16' or 'vgg19', and its source.")
    content_image: LossValues


class CurvePoint(BaseModel, frozen=True):
    """The losses after a step, at the size of its level."""

    iteration: int
    content: float
    style: float
    total: float = Field(description="Includes the total variation, if that has a weight.")


class Optimization(BaseModel, frozen=True):
    """The minimization of a picture."""

    iterations: int = Field(description="Number of steps.")
    stopped_by: Literal["iterations", "time", "converged"] = Field(
        description="'time': the budget was used up, and this is the best picture so far; 'converged': no "
        "step lowered the loss any more."
    )
    chosen_side: int | None = Field(
        None, description="Longest side in pixels that the worker chose, as the job names none."
    )
    rate: float | None = Field(
        None, description="Steps on one pixel in a second; absent if there was one step."
    )
    curve: tuple[CurvePoint, ...] = Field(description="At most a hundred points, the first and the last too.")


class JobProgress(BaseModel, frozen=True):
    """The progress of a running job."""

    stage: str = Field(
        description="Current stage: fetch, decode, style, model, optimize, encode, losses or put."
    )
    fraction: float = Field(ge=0, le=1, description="Approximate fraction of the job that is done.")
    iteration: int | None = Field(None, description="Steps of the minimization so far.")
    iterations: int | None = Field(None, description="Most steps of the minimization.")
    losses: CurvePoint | None = Field(None, description="Losses after the last step.")
    seconds_left: float | None = Field(
        None, description="Expected time until the last step, or the time limit; from the second step on."
    )
    chosen_side: int | None = Field(
        None, description="Longest side in pixels that the worker chose, as the job names none."
    )
    preview: bool = Field(False, description="Whether .../preview has a picture.")


class Spread(BaseModel, frozen=True):
    """The spread of one loss over several pictures."""

    mean: float
    standard_deviation: float = Field(description="Standard deviation of the population.")


class LossSummary(BaseModel, frozen=True):
    """The losses of a batch's pictures, for the succeeded jobs that measured them."""

    jobs: int
    content_per_element: Spread
    style_per_element: Spread
    content: Spread
    style: Spread
    total: Spread
