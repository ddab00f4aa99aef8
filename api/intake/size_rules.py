"""How large a picture may be that takes minutes; asked at submit, or its client would wait for a refusal."""

from __future__ import annotations

from shared.errors import InvalidParameter
from shared.settings import Settings
from shared.wire.descriptors import Params


def check_size(params: Params, settings: Settings) -> None:
    """A size that was not asked for is no error: the worker scales to its limit.

    Raises:
        InvalidParameter: a larger picture was asked for than method 'optimize' may have.
    """
    limit = settings.optimize_max_side
    if params.method == "optimize" and "max_side" in params.model_fields_set and params.max_side > limit:
        raise InvalidParameter(
            f"With method 'optimize' max_side may be {limit} at the most (optimize_max_side); "
            f"it is {params.max_side}",
            "/params/max_side",
        )
