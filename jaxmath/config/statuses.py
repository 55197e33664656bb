"""From whatever ends a command to its exit status and the words on the terminal."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jaxmath.config.errors import (
    ElsewhereError,
    Exit,
    ExperimentError,
    InputError,
    LockedError,
    LostError,
    StorageError,
    visible,
)
from jaxmath.config.signals import Terminated

PACKAGE = str(Path(__file__).resolve().parents[1])
LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}lib{os.sep}python", "<frozen ")


@contextmanager
def statuses() -> Iterator[None]:
    """Turn every exception into its exit status, with words a person can act on."""
    try:
        yield
    except SystemExit:
        raise
    except Terminated as error:
        _leave(Exit.TERMINATED, _noted("terminated", error))
    except KeyboardInterrupt as error:
        _leave(Exit.INTERRUPTED, _noted("interrupted", error))
    except InputError as error:
        _leave(Exit.INPUT, str(error))
    except LockedError as error:
        _leave(Exit.LOCKED, f"error: {error}")
    except LostError:
        raise SystemExit(Exit.LOST) from None
    except ElsewhereError as error:
        _leave(error.status, _noted(str(error), error))
    except BrokenPipeError:
        hush()
        raise SystemExit(Exit.PASS) from None
    except Exception as error:
        cause = error.__cause__ if isinstance(error, ExperimentError) and error.__cause__ else error
        own = own_frames(cause)
        if own:
            said = f"error: {error}\n" if isinstance(error, ExperimentError) else ""
            _leave(Exit.EXPERIMENT, _noted(said + "\n".join(own), error))
        if isinstance(error, (StorageError, OSError)):
            _leave(Exit.IO, _noted(f"error: {_disk_words(error)}", error))
        traceback.print_exc()
        _leave(Exit.BUG, "error: this is a bug of jaxmath; please report it with the lines above")


@dataclass
class Ended:
    """How one of several pieces of work ended."""

    status: Exit = Exit.PASS


@contextmanager
def going_on(wanted: bool) -> Iterator[Ended]:
    """Where wanted, tell what went wrong with one of several things and go on with the next.

    A person who interrupts means all of them.
    """
    ended = Ended()
    if not wanted:
        yield ended
        return
    try:
        with statuses():
            yield ended
    except SystemExit as left:
        ended.status = Exit(left.code)
        if ended.status in (Exit.INTERRUPTED, Exit.TERMINATED):
            raise


def _noted(words: str, error: BaseException) -> str:
    """Words, and what the error carries besides, such as how to go on."""
    return "\n".join([words, *getattr(error, "__notes__", ())])


def own_frames(error: BaseException) -> list[str]:
    """The traceback of code that is neither jaxmath's nor a library's; empty if there is none."""
    told = traceback.TracebackException.from_exception(error, compact=True)
    # What JAX says of the frames that it has hidden helps nobody here: they are hidden anyway.
    notes = [note for note in getattr(told, "__notes__", None) or () if "JAX" not in note]
    told.__notes__ = notes or None  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(error, SyntaxError) and error.filename and _is_own(error.filename):
        return "".join(told.format_exception_only()).rstrip().split("\n")
    frames = [frame for frame in told.stack if _is_own(frame.filename)]
    if not frames:
        return []
    lines = ["Traceback, your own code:", *traceback.StackSummary.from_list(frames).format()]
    lines += told.format_exception_only()
    return "".join([lines[0], "\n", *lines[1:]]).rstrip().split("\n")


def _is_own(filename: str) -> bool:
    path = os.path.realpath(filename) if os.path.exists(filename) else filename
    ours = path.startswith(PACKAGE + os.sep)
    return os.path.exists(path) and not ours and not any(part in path for part in LIBRARIES)


def hush() -> None:
    """Send what is still to be printed nowhere: the reader of a pipe has gone."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _disk_words(error: BaseException) -> str:
    if isinstance(error, OSError):
        reason = (error.strerror or str(error) or type(error).__name__).lower()
        return f"{error.filename}: {reason}" if error.filename else reason
    return str(error)


def _leave(status: Exit, words: str) -> None:
    try:
        for line in words.split("\n"):
            sys.stderr.write(visible(line, 500) + "\n")
        sys.stderr.flush()
    except OSError:
        pass
    raise SystemExit(int(status))
