"""A newcomer's first commands: the README's own and the demo, as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from local.stack import LocalStack

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
CODE = re.findall(
    r"^```(sh|python)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
)


def block(language: str, word: str) -> str:
    (found,) = [text for kind, text in CODE if kind == language and word in text]
    return found


def run(command: list[str], **environment: str) -> str:
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, f"{command}: {result.stdout}\n{result.stderr}"
    return result.stdout


def here(text: str, url: str, out: Path) -> str:
    """Return the README's text for this stack, with its pictures in the test's own folder."""
    text = text.replace("http://127.0.0.1:8080", url).replace(".venv/bin/", f"{BIN}/")
    return (
        text.replace("-o painted.jpg", f"-o {out}/painted.jpg")
        .replace("--out painted", f"--out {out}")
        .replace('Path("painted")', f'Path("{out}")')
    )


def test_the_curl_lines_give_a_painted_picture(stack: LocalStack, tmp_path: Path) -> None:
    printed = run(["bash", "-euo", "pipefail", "-c", here(block("sh", "curl"), stack.url, tmp_path)])
    assert '"status":"succeeded"' in printed
    with (
        Image.open(tmp_path / "painted.jpg") as picture,
        Image.open(ROOT / "samples/content/cat.jpg") as content,
    ):
        assert picture.size == content.size


def test_the_submit_line_paints_every_photograph(stack: LocalStack, tmp_path: Path) -> None:
    run(
        ["bash", "-euc", here(block("sh", "stylequeue submit"), stack.url, tmp_path)],
        STYLEQUEUE_API=stack.url,
    )
    assert len(list(tmp_path.glob("*.jpg"))) == len(list((ROOT / "samples/content").glob("*.jpg")))


def test_the_python_lines_save_a_picture(stack: LocalStack, tmp_path: Path) -> None:
    printed = run([sys.executable, "-c", here(block("python", "StyleQueue"), stack.url, tmp_path)])
    assert Path(printed.strip()).is_file()
