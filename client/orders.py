"""What the user ordered: a picture of every photo in every style, each to a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from client.file_names import files_for, name_of
from shared.descriptors import Lane, Output, Params


@dataclass(frozen=True)
class Order:
    """One picture to make, and the file that it goes to; strings are URLs."""

    photo: Path | str
    style: Path | str
    target: Path


@dataclass(frozen=True)
class Wishes:
    """What all orders of one command have in common."""

    params: Params
    output: Output
    lane: Lane


def orders_of(
    photos: Sequence[Path | str], styles: Sequence[Path | str], folder: Path, suffix: str
) -> list[Order]:
    """Every photo with every style, each with a file name that no other order and no file has."""
    taken = {path.name.casefold() for path in folder.iterdir()}
    orders = []
    for photo, style in product(photos, styles):
        files = files_for((name_of(photo), name_of(style)), folder, suffix)
        target = next(file for file in files if file.name.casefold() not in taken)
        taken.add(target.name.casefold())
        orders.append(Order(photo, style, target))
    return orders
