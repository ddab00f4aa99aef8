"""Blends as people write them."""

from __future__ import annotations

import pytest

from client.folder.blends import parts_of, pictures_in


@pytest.mark.parametrize(
    ("style", "parts"),
    [
        ("a.jpg:0.7+b.jpg:0.3", [("a.jpg", "0.7"), ("b.jpg", "0.3")]),
        ("a+b.jpg:1+https://x:80/c.jpg?d=1:.5", [("a+b.jpg", "1"), ("https://x:80/c.jpg?d=1", ".5")]),
        ("a.jpg:1+b.jpg:1+c.jpg:2", [("a.jpg", "1"), ("b.jpg", "1"), ("c.jpg", "2")]),
        ("a.jpg", []),
        ("a.jpg:0.7", []),
        ("a+b.jpg", []),
        ("https://x:80/c.jpg", []),
        ("a.jpg:0.7+b.jpg", []),
    ],
)
def test_a_blend_has_two_or_more_pictures_each_with_its_weight(
    style: str, parts: list[tuple[str, str]]
) -> None:
    assert list(parts_of(style)) == parts
    assert pictures_in(style) == ([picture for picture, _ in parts] or [style])
