from __future__ import annotations

import numpy as np

from worker.painting.strength import weakened

PHOTOGRAPH = np.full((4, 5, 3), 200, np.uint8)
PAINTING = np.full((4, 5, 3), 40, np.uint8)


def test_the_photographs_share_is_the_square_of_what_strength_leaves() -> None:
    found = [int(weakened(PAINTING, PHOTOGRAPH, strength)[0, 0, 0]) for strength in (0, 0.25, 0.5, 0.75, 1)]
    assert found == [200, 130, 80, 50, 40]
