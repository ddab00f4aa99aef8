"""The size limit of method 'optimize', checked at submit so that a client need not wait for a refusal."""

from __future__ import annotations

from shared.request_errors import InvalidParameter
from shared.settings import Settings
from shared.wire.params import Params


def check_size(params: Params, settings: Settings) -> None:
    """Check a size that the client set. Without one, the worker chooses a size within the limit.

    Raises:
        InvalidParameter: the size is larger than method 'optimize' allows.
    """
    limit = settings.optimize_max_side
    if params.method == "optimize" and params.max_side is not None and params.longest_side > limit:
        raise InvalidParameter(
            f"With method 'optimize' max_side may be {limit} at most (optimize_max_side); "
            f"it is {params.max_side!r}",
            "/params/max_side",
        )
