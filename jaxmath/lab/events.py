"""How far a run has come, for a program: one JSON object a line on stdout, and nothing else.

Each has an "event"; more of them, and more keys, may come.

    {"event": "started", "folder": ...}
    {"event": "progress", "phase": "running", "done": 3, "total": 16, "seconds": 4.1}
    {"event": "claim", "name": ..., "outcome": "PASS", "statement": ..., "measured": ...,
     "relation": "<=", "expected": ..., "tolerance": ...}
    {"event": "finished", "folder": ..., "exit": "PASS", "status": 0, "report": ...}

A claim is told by the entry of it that is furthest off. Of numbers that JSON does not have, "NaN",
"Infinity" and "-Infinity" are the words. What goes wrong is told on stderr, as without `--json`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from jaxmath.lab.progress import Progress
from jaxmath.runs import encoding
from jaxmath.runs.run import Run

INTERVAL = 1.0
"""Seconds between two events of progress within a phase."""


class Events(Progress):
    """Progress as events; a reader who has gone is not told any more, and the run goes on."""

    def __init__(self):
        super().__init__()
        self._out: Any = sys.stdout
        self._began = time.monotonic()
        self._last = ("", 0)

    def began(self, folder: Path) -> None:
        """Tell the folder of the run."""
        self._tell("started", folder=str(folder))

    def phase(self, name: str, total: int) -> None:
        """Tell that a phase begins."""
        self._last = (name, 0)
        super().phase(name, total)
        self._tell("progress", **self._state())

    def ended(self, run: Run) -> None:
        """Tell how the claims ended, and the run."""
        for claim in run.claims:
            known = claim.measured is not None
            measured, expected = claim.worst() if known else (None, None)
            if claim.relation == "true":
                expected = True
            self._tell(
                "claim",
                name=claim.name,
                outcome=run.outcome(claim),
                statement=claim.statement,
                measured=measured,
                relation=claim.relation,
                expected=claim.expected if claim.relation == "in" else expected,
                tolerance=claim.tolerance,
            )
        report = run.folder / "report.html"
        self._tell(
            "finished",
            folder=str(run.folder),
            exit=run.exit.name,
            status=int(run.exit),
            report=str(report),
        )

    def _state(self) -> dict[str, Any]:
        with self._lock:
            state = dict(phase=self._phase, done=self._done, total=self._total)
        return state | dict(seconds=round(time.monotonic() - self._began, 2))

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL):
            state = self._state()
            if (state["phase"], state["done"]) != self._last:
                self._last = (state["phase"], state["done"])
                self._tell("progress", **state)

    def _tell(self, event: str, **told: Any) -> None:
        line = json.dumps(encoding.plain(dict(event=event, **told)), allow_nan=False)
        try:
            if self._out is not None:
                self._out.write(line + "\n")
                self._out.flush()
        except OSError:
            self._out = None
