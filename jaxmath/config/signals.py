"""SIGINT and SIGTERM end a command: at once where Python can, else at the next safe point.

A handler that raises is not enough: where the signal arrives inside a callback of the garbage
collector, Python prints the exception and goes on. What has arrived is therefore remembered, and
`check` raises it at the points where a command can stop.
"""

from __future__ import annotations

import signal


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: whatever tidies up after Ctrl-C does so here too."""


_arrived: list[type[KeyboardInterrupt]] = []


def listen(once: bool = False) -> None:
    """Let both signals end this process from now on, each with its own exit status.

    `once`: what arrives after the first changes nothing, where two may send the same.
    """
    _arrived.clear()
    signal.signal(signal.SIGINT, _first if once else _stop)
    signal.signal(signal.SIGTERM, _first if once else _stop)


def check() -> None:
    """Stop here if a signal has arrived.

    Raises:
        KeyboardInterrupt: it has.
    """
    if _arrived:
        raise _arrived[0]


def _stop(number: int, frame: object) -> None:
    kind = Terminated if number == signal.SIGTERM else KeyboardInterrupt
    _arrived.append(kind)
    raise kind


def _first(number: int, frame: object) -> None:
    if not _arrived:
        _stop(number, frame)
