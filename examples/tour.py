"""The tour: snapshot a model, lose its folder, upgrade its packages, retrain it all the same."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

HERE = Path(__file__).resolve().parent
REPO = HERE.parent
PLACE = REPO / ".tour"
THEN = ["scikit-learn==1.7.2", "pandas==2.3.3"]
NOW = ["scikit-learn==1.8.0"]
IDENTICAL, CANNOT = 0, 12


def main() -> None:
    """Walk through the nine months in a minute."""
    shutil.rmtree(PLACE, ignore_errors=True)
    project = PLACE / "anna" / "digits-model"
    python = make_environment(PLACE / "venv")
    lay_out(project, python)

    _say("1  Anna trains a model in her notebook; its last cell takes a snapshot")
    _mlops("run", str(project / "digits.ipynb"))

    _say("2  Nine months later: her folder is gone, and scikit-learn has been upgraded")
    shutil.move(project, PLACE / "moved-away")
    _show(f"mv {project.relative_to(PLACE)} moved-away")
    _install(python, NOW)

    _say("3  Ben retrains it: environment rebuilt, data restored, notebook rerun, compared")
    _mlops("reproduce", "digits", expect=IDENTICAL)

    _say("4  One byte of the stored data is altered: the rerun is refused, the file named")
    blob = _stored_data()
    original = blob.read_bytes()
    _write(blob, original[:-2] + bytes([original[-2] ^ 1]) + original[-1:])
    _show(f"alter one byte of {blob.relative_to(PLACE)}")
    _mlops("reproduce", "digits", expect=CANNOT)
    _write(blob, original)

    _say("5  The byte is put back; the log knows of every verdict")
    _mlops("verify")
    _mlops("log")
    print("\nThe tour came out as it should.")


def make_environment(venv: Path) -> Path:
    """Make the environment of the tour's person, with the packages of her time.

    Args:
        venv: Its folder.

    Returns:
        Its interpreter.
    """
    print("Preparing Anna's environment …", flush=True)
    _uv("venv", "--python", sys.executable, str(venv))
    python = venv / "bin" / "python"
    _install(python, [*THEN, "skops==0.13.0", "-e", str(REPO)], echo=False)
    return python


def lay_out(project: Path, python: Path) -> None:
    """Lay out her folder: the notebook, its module, and scikit-learn's real digits as a CSV.

    Args:
        project: The folder; it must not exist yet.
        python: The interpreter of an environment with scikit-learn.
    """
    shutil.copytree(HERE / "digits", project)
    (project / "data").mkdir()
    site = next((python.parent.parent / "lib").glob("python3*/site-packages"))
    raw = site / "sklearn" / "datasets" / "data" / "digits.csv.gz"
    header = ",".join([*(f"pixel{number}" for number in range(64)), "digit"])
    text = gzip.decompress(raw.read_bytes()).decode()
    (project / "data" / "digits.csv").write_text(f"{header}\n{text}")


def _stored_data() -> Path:
    shown = subprocess.run(
        [*_command(), "show", "digits", "--json"],
        env=_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    read = [file for file in json.loads(shown.stdout)["data"] if file["role"] == "input"]
    digest = read[0]["blobs"][0]["digest"].removeprefix("sha256:")
    return PLACE / "store" / "objects" / digest[:2] / digest


def _write(blob: Path, data: bytes) -> None:
    blob.chmod(0o644)
    blob.write_bytes(data)
    blob.chmod(0o444)


def _mlops(*words: str, expect: int = 0) -> None:
    _show("mlops " + " ".join(word.replace(str(PLACE) + "/", "") for word in words))
    ended = subprocess.run([*_command(), *words], env=_environment(), check=False)
    if ended.returncode != expect:
        sys.exit(f"The tour failed: that ended with {ended.returncode}, not {expect}.")


def _command() -> list[str]:
    return [str(PLACE / "venv" / "bin" / "mlops")]


def _environment() -> dict[str, str]:
    own = {
        "MLOPS_STORE": str(PLACE / "store"),
        "MLOPS_CACHE": str(PLACE / "cache"),
        "MLOPS_AUTHOR": "Anna <anna@example.org>",
    }
    return {**os.environ, **own}


def _install(python: Path, packages: list[str], *, echo: bool = True) -> None:
    if echo:
        _show("uv pip install " + " ".join(packages))
    _uv("pip", "install", "--python", str(python), *packages)


def _uv(*words: str) -> None:
    subprocess.run([find_uv_bin(), "--quiet", *words], check=True)


def _say(text: str) -> None:
    print(f"\n\033[1m── {text}\033[0m" if sys.stdout.isatty() else f"\n── {text}", flush=True)


def _show(command: str) -> None:
    print(f"$ {command}", flush=True)


if __name__ == "__main__":
    main()
