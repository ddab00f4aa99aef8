from __future__ import annotations

import pytest

from shared.errors import ImageAnimated
from shared.wire.params import Params
from worker.images.animation import WARNING, check_animation


def test_only_a_job_that_refuses_animations_fails_on_one() -> None:
    check_animation([WARNING], Params())
    check_animation([], Params(animation="refuse"))
    with pytest.raises(ImageAnimated, match=r"params\.animation is 'refuse'"):
        check_animation([WARNING], Params(animation="refuse"))
