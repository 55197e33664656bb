"""One process at a time works in a run's folder, and who it is can be read there.

The system lets go of the lock when its holder ends, however it ends: nothing is ever stale.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxmath.config.errors import LockedError

try:
    import fcntl
except ImportError:  # no such locks on Windows: there a second process is not noticed
    fcntl = None

NAME = "LOCK"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a run's folder for this process.

    Raises:
        LockedError: another process holds it; the sentence names that process.
    """
    path = folder / NAME
    descriptor = _take(path)
    try:
        who = dict(
            pid=os.getpid(),
            host=socket.gethostname(),
            since=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(who).encode(), 0)
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # while it is held, so that nobody has taken it yet
        os.close(descriptor)


def _take(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise LockedError(f"{path.parent} is at work{_holder(path)}.") from None
        # Between opening and locking, the one who held it may have removed the file.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        who = json.loads(path.read_text("utf-8"))
        return f": process {who['pid']} on {who['host']} has held it since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return " in another process"
