"""File names that every file system takes, and that collide on none."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from client.folder.file_names import FileNames, files_for, safe_folder
from shared.policy.file_names import TakenPaths, portable_name, same_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cat", "cat"),
        ("CON", "_CON"),
        ("nul", "_nul"),
        ("Nul.tar.gz", "_Nul.tar.gz"),
        ("aux  .x", "_aux  .x"),
        ("com1", "_com1"),
        ("LPT\u00b9", "_LPT\u00b9"),
        ("conin$", "_conin$"),
        ("console", "console"),
        ("com10", "com10"),
        ("photo...", "photo"),
        ("photo. . ", "photo"),
        (" .hidden ", ".hidden"),
        ("..", ""),
        ("\u200b.", ""),
        ("a\nb\x00c", "abc"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u00e9" * 100, "\u00e9" * 50),
        ("nul" + "." * 200, "_nul"),
    ],
)
def test_a_name_is_one_that_windows_macos_and_linux_take(text: str, name: str) -> None:
    assert portable_name(text, 100) == name


def test_a_name_that_is_cut_does_not_end_with_a_dot() -> None:
    assert portable_name("a" * 99 + ".jpeg", 100) == "a" * 99


@pytest.mark.parametrize(
    ("one", "other"), [("A.jpg", "a.JPG"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE")]
)
def test_names_that_one_file_system_takes_for_the_same_are_the_same(one: str, other: str) -> None:
    assert same_name(one) == same_name(other)
    taken = TakenPaths((one,))
    assert taken.is_taken(PurePosixPath(other))


def test_no_file_has_the_name_of_a_folder_and_no_folder_that_of_a_file() -> None:
    taken = TakenPaths()
    wanted = ["a", "a/b", "A/c", "d/e/f", "d/e", "D", "d/E/f", "a (2)"]
    given = [str(taken.give(PurePosixPath(path))) for path in wanted]
    assert given == ["a", "a (2)/b", "A (2)/c", "d/e/f", "d/e (2)", "D (2)", "d/E/f (2)", "a (2) (2)"]


def test_many_files_of_one_name_are_numbered_without_looking_at_all_of_them() -> None:
    taken = TakenPaths()
    given = [taken.give(PurePosixPath("cat.jpg")) for _ in range(20_000)]
    assert given[-1].name == "cat (20000).jpg"


def test_a_picture_is_not_saved_over_a_folder_or_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "there--wave.jpg").mkdir()
    names = FileNames(tmp_path)

    def give(photo: str, folder: str = "") -> str:
        return str(names.give(files_for(PurePosixPath(folder), ".jpg", photo, ["wave"]), "0" * 64))

    assert give("there") == "there--wave-2.jpg"
    assert give("cat") == "cat--wave.jpg"
    assert give("dog", "cat--wave.jpg") == "cat--wave (2).jpg/dog--wave.jpg"
    assert give("cow", "Cat--Wave.JPG") == "Cat--Wave (2).JPG/cow--wave.jpg"
    assert give("Cat--Wave (2)") == "Cat--Wave (2)--wave.jpg"


def test_folders_of_a_key_are_folders_everywhere() -> None:
    assert safe_folder("nul/../a./\u200b/cafe\u0301/x.jpg") == PurePosixPath("_nul/a/caf\u00e9")
