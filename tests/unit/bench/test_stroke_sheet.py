from __future__ import annotations

import numpy as np

from bench.measures.stroke_sheet import CELL, GAP, PART, StrokeSheet
from worker.images.arrays import Picture


def bright_corner(side: int) -> Picture:
    picture = np.zeros((side, side, 3), np.uint8)
    picture[side - side // PART :, side - side // PART :] = 255
    return picture


def test_pictures_of_all_sizes_are_equally_large_and_so_are_their_parts() -> None:
    sheet = StrokeSheet(["512 px", "1024 px"], (1, 1))
    for side in (512, 1024):
        sheet.add("one pass", bright_corner(side))
    page = np.asarray(sheet.image())
    assert page.shape[1] == 2 * CELL + GAP
    parts = page[-CELL - GAP : -GAP]
    assert (parts[:, :CELL] == 255).all()
    assert (parts[:, -CELL:] == 255).all()


def test_a_part_beyond_an_edge_is_moved_into_the_picture() -> None:
    sheet = StrokeSheet(["512 px"], (0, 0))
    sheet.add("one pass", bright_corner(512))
    assert (np.asarray(sheet.image())[-CELL - GAP : -GAP] == 0).all()
