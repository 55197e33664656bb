"""What jaxmath keeps in the user's cache folder, and whether it may.

It is switched on by a command that runs or reads an experiment, never by importing jaxmath.
`JAXMATH_NO_CACHE=1` or `jaxmath run --no-cache` turns it off.
"""

from __future__ import annotations

import os
from pathlib import Path


def folder(what: str) -> Path:
    """Where one kind of things is kept: "compiled" programs, or suggestions for "completion"."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("jaxmath", appauthor=False)) / what


def is_allowed() -> bool:
    """Whether the user has not forbidden it."""
    return os.environ.get("JAXMATH_NO_CACHE", "0") in ("", "0")
