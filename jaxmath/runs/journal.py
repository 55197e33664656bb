"""What a run has finished so far, kept in its folder so that it can go on after whatever ended it.

    plan.json, plan.copy.json    the study, how its sweep is cut, and the sessions that worked on it
    work/tile-7.npz, .json       a piece that is finished
    work/tile-7-round-120.npz    a piece under way, saved between two rounds; the last two are kept

Arrays are NPZ, never pickled, and lie beside a JSON file with the SHA-256 of both. Each file is
written aside, flushed and renamed, arrays first: what has no JSON file is not there, and what has
another checksum is damaged.
A piece is named by a key, the hash of all that its numbers depend on (its program, its data, its
settings and seeds); under another key it counts as not finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmath.config.errors import InputError, Problem
from jaxmath.runs import encoding, store

FORMAT = 1
SAVE_SECONDS = 60.0
"""How often the state of a piece under way is saved, unless asked otherwise."""

KEPT = 2
"""States of a piece under way that are kept: the last one might be damaged."""

PLANS, WORK = ("plan.json", "plan.copy.json"), "work"


class Piece(NamedTuple):
    """The leaves of what was kept, in their order, and what was noted beside them."""

    leaves: list[Any]
    notes: Mapping[str, Any]


class Journal:
    """Keeps the finished pieces of the run in a folder, and finds them again.

    `say` is told, in a sentence, what was found damaged or no longer fits.
    """

    def __init__(self, folder: Path, save_seconds: float = SAVE_SECONDS):
        self.folder = folder
        self.save_seconds = save_seconds
        self.say: Callable[[str], None] = lambda sentence: None

    def plan(self) -> dict[str, Any]:
        """What the plan holds; empty where there is none.

        Raises:
            InputError: both copies of it are damaged.
        """
        damaged = []
        for path in (self.folder / name for name in PLANS):
            if not path.exists():
                continue
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                found = encoding.read_json(path)
                if found.pop("sha256") == _hash(found):
                    return found
            damaged.append(path)
        if len(damaged) == len(PLANS):
            hint = f"run it anew: jaxmath run {self.folder / 'config.toml'}"
            raise InputError(Problem(f"both copies of {damaged[0]} are damaged", hint=hint))
        return {}

    def note(self, **parts: Any) -> None:
        """Add to the plan, or replace there."""
        whole = {"format": FORMAT} | self.plan() | parts
        text = encoding.json_text(whole | dict(sha256=_hash(whole)))
        with store.disk(self.folder):
            for name in PLANS:
                store.write(self.folder / name, text)

    def keep(self, piece: int, key: str, leaves: list[Any], **notes: Any) -> None:
        """Keep a finished piece, and let go of what it went through."""
        self._write(f"tile-{piece}", key, leaves, notes)
        self._drop(self._states(piece))

    def keep_state(self, piece: int, key: str, rounds: int, leaves: list[Any]) -> None:
        """Keep a piece under way as it is after so many rounds."""
        self._write(f"tile-{piece}-round-{rounds}", key, leaves, dict(round=rounds))
        self._drop(self._states(piece)[:-KEPT])

    def finished(self, piece: int, key: str) -> Piece | None:
        """A finished piece, or None."""
        return self._read(f"tile-{piece}", key)

    def state(self, piece: int, key: str) -> Piece | None:
        """The latest state of a piece under way that is whole, or None."""
        for path, _ in reversed(self._states(piece)):
            if found := self._read(path.stem, key):
                return found
        return None

    def clear(self) -> None:
        """Let go of all pieces: the run is finished, and its results hold them."""
        work = self.folder / WORK
        with contextlib.suppress(OSError):
            for path in work.iterdir():
                path.unlink()
            work.rmdir()

    def _write(self, name: str, key: str, leaves: list[Any], notes: Mapping[str, Any]) -> None:
        arrays, kinds = {}, {}
        for i, leaf in enumerate(leaves):
            arrays[str(i)], kind = stored(leaf)
            if kind:
                kinds[str(i)] = kind
        data = encoding.npz(arrays)
        meta = dict(
            format=FORMAT,
            key=key,
            leaves=len(leaves),
            kinds=kinds,
            notes=dict(notes),
        )
        meta["sha256"] = _hash(meta, data)
        work = self.folder / WORK
        with store.disk(self.folder):
            work.mkdir(exist_ok=True)
            store.write(work / f"{name}.npz", data)
            store.write(work / f"{name}.json", encoding.json_text(meta))

    def _read(self, name: str, key: str) -> Piece | None:
        path = self.folder / WORK / name
        described, arrays = path.with_name(f"{name}.json"), path.with_name(f"{name}.npz")
        if not described.exists():
            return None
        try:
            meta = encoding.read_json(described)
            data = arrays.read_bytes()
            if meta.pop("sha256") != _hash(meta, data):
                raise ValueError("its checksum differs")
            if meta["format"] != FORMAT or meta["key"] != key:
                self.say(f"{arrays} belongs to another program or other data: it is computed anew")
                return None
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                leaves = [
                    restored(archive[str(i)], meta["kinds"].get(str(i)))
                    for i in range(meta["leaves"])
                ]
            return Piece(leaves, meta["notes"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.say(f"{arrays} is damaged ({_why(error)}): what it held is computed anew")
            return None

    def _states(self, piece: int) -> list[tuple[Path, int]]:
        """The states of a piece under way, in the order of their rounds."""
        name = re.compile(rf"tile-{piece}-round-(\d+)\.json")
        work = self.folder / WORK
        found = [(path, name.fullmatch(path.name)) for path in work.glob(f"tile-{piece}-round-*")]
        return sorted(
            ((path, int(match[1])) for path, match in found if match), key=lambda pair: pair[1]
        )

    def _drop(self, states: list[tuple[Path, int]]) -> None:
        for path, _ in states:
            path.unlink(missing_ok=True)  # first what says that the arrays are there
            path.with_suffix(".npz").unlink(missing_ok=True)


def _hash(meta: Mapping[str, Any], data: bytes = b"") -> str:
    """The SHA-256 of what a JSON file says, and of the arrays that it describes."""
    said = json.dumps(meta, sort_keys=True).encode()
    return hashlib.sha256(said + data).hexdigest()


def stored(leaf: Any) -> tuple[np.ndarray, dict[str, str] | None]:
    """A leaf as an array of NumPy's own kinds, and what it was where it is none of them."""
    if isinstance(leaf, jax.Array) and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return np.asarray(jax.random.key_data(leaf)), dict(key=str(jax.random.key_impl(leaf)))
    array = np.asarray(leaf)
    if array.dtype.kind == "V":  # bfloat16 and the like, which NPZ does not know
        return array.view(f"u{array.dtype.itemsize}"), dict(dtype=array.dtype.name)
    return array, None


def restored(array: np.ndarray, kind: dict[str, str] | None) -> Any:
    if not kind:
        return array
    if "key" in kind:
        return jax.random.wrap_key_data(jax.numpy.asarray(array), impl=kind["key"])
    return array.view(jax.numpy.dtype(kind["dtype"]))


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error) if str(error) == "its checksum differs" else "it cannot be read"
