"""Names of styles in result files."""

from __future__ import annotations

import pytest

from client.folder.file_names import STEM_BYTES
from client.folder.style_names import style_names


@pytest.mark.parametrize(
    ("styles", "names"),
    [
        (["a/wave.jpg", "b/night.png"], ["wave", "night"]),
        (["monet/wave.jpg", "klee/wave.jpg"], ["wave-monet", "wave-klee"]),
        (["monet/img/wave.jpg", "klee/img/Wave.jpg"], ["wave-monet", "Wave-klee"]),
        (["wave.jpg", "wave.png", "night.png"], ["wave-jpg", "wave-png", "night"]),
        (["https://a.b/monet/wave.jpg?v=1", "s3://x/klee/wave.jpg"], ["wave-monet", "wave-klee"]),
        (["wave.jpg", "monet/wave.jpg"], ["wave", "wave-monet"]),
        (["https://a.b/wave.jpg", "monet/wave.jpg"], ["wave-a.b", "wave-monet"]),
        (["wave.jpg:0.7+b/night.png:.3"], ["wave-0.7+night-0.3"]),
        (["a/wave.jpg:0.7+b/wave.jpg:0.3"], ["wave-a-0.7+wave-b-0.3"]),
        (["/a/x.jpg:1+/b/y.jpg:2", "/a/x.jpg:3+/b/y.jpg:2"], ["x-1+y-2", "x-3+y-2"]),
    ],
)
def test_pictures_of_one_name_get_the_first_folder_or_suffix_by_which_they_differ(
    styles: list[str], names: list[str]
) -> None:
    assert style_names(styles) == names


@pytest.mark.parametrize(
    "styles",
    [
        [f"{'é' * 80}{number}.jpg:0.125" for number in range(8)],
        [f"{'s' * 120}{number}.jpg:1" for number in range(2)],
    ],
)
def test_the_name_of_a_blend_is_short_and_has_all_weights(styles: list[str]) -> None:
    (name,) = style_names(["+".join(styles)])
    assert len(name.encode()) <= STEM_BYTES
    assert [part.rpartition("-")[2] for part in name.split("+")] == [s.rpartition(":")[2] for s in styles]


def test_a_name_with_a_long_folder_is_short() -> None:
    names = style_names([f"{folder * 120}/{'wave' * 30}.jpg" for folder in "ab"])
    assert max(len(name) for name in names) <= STEM_BYTES
    assert len(set(names)) == 2
