"""Names of styles in result files."""

from __future__ import annotations

import pytest

from client.folder.style_names import style_names


@pytest.mark.parametrize(
    ("styles", "names"),
    [
        (["a/wave.jpg", "b/night.png"], ["wave", "night"]),
        (["monet/wave.jpg", "klee/wave.jpg"], ["wave-monet", "wave-klee"]),
        (["monet/img/wave.jpg", "klee/img/Wave.jpg"], ["wave-monet", "Wave-klee"]),
        (["wave.jpg", "wave.png", "night.png"], ["wave-jpg", "wave-png", "night"]),
        (["https://a.b/monet/wave.jpg?v=1", "s3://x/klee/wave.jpg"], ["wave-monet", "wave-klee"]),
        (["wave.jpg:0.7+b/night.png:.3"], ["wave-0.7+night-.3"]),
    ],
)
def test_styles_of_one_name_get_the_first_folder_or_suffix_by_which_they_differ(
    styles: list[str], names: list[str]
) -> None:
    assert style_names(styles) == names
