"""Thousands of configs changed at random: the right status, the right words, and no harm.

Everything runs in one process under an audit hook. `python -m benchmarks.configs` prints and keeps
the figures of five thousand.
"""

import contextlib
import io
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from jaxmath.lab import cli
from tests.lab.casebook import CANARY, SECRET
from tests.lab.fuzz import Fuzzed, fuzzed, is_slip, lay_out
from tests.lab.watch import Watch

PLACELESS = (
    "at most 1 MB", "this config is empty", "`experiment` is missing", "this text is UTF-16",
    "this is no valid TOML", "no experiment: it has no",
)  # fmt: skip
"""What belongs to no line of a file."""


class Fuzzing:
    """Runs changed configs in a project, judges what comes of each, and counts."""

    def __init__(self, root: Path):
        self.root = root
        self.watch = Watch()
        self.slips: list[tuple[Fuzzed, bool]] = []
        self.kinds: Counter = Counter()
        self.slowest = 0.0
        lay_out(root)

    def warm_up(self) -> None:
        """Import what takes its time, which is not what is measured."""
        for name in ("train", "derivatives", "accuracy"):
            assert self.run(["config", name])[0] == 0

    def __call__(self, case: Fuzzed) -> None:
        (self.root / "configs" / "case.toml").write_bytes(case.content)
        status, out, err, took = self.run(["config", "configs/case.toml", *case.words])
        self.kinds[case.kind, status] += 1
        self.slowest = max(self.slowest, took)
        self.judge(case, status, out, err)
        if status == 2 and is_slip(case):
            self.slips.append((case, suggested(case, err)))

    def run(self, words: list[str]) -> tuple[int, str, str, float]:
        out, err = io.StringIO(), io.StringIO()
        argv, sys.argv = sys.argv, ["jaxmath", *words]
        begun = time.perf_counter()
        status = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.watch.begin()
            try:
                cli.main()
            except SystemExit as end:
                status = end.code or 0
            finally:
                self.watch.on = False
                sys.argv = argv
        return int(status), out.getvalue(), err.getvalue(), time.perf_counter() - begun

    def judge(self, case: Fuzzed, status: int, out: str, err: str) -> None:
        assert status in (0, 2), err
        assert "Traceback" not in err
        assert SECRET not in out + err
        assert not self.watch.harm
        assert not self.watch.writes
        assert not self.watch.read_outside(self.root)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", err), (
            "control characters"
        )
        assert not (self.root / "experiments" / "was_imported").exists()
        if status == 0:
            return
        assert "error: " in err
        for told in re.split(r"^(?=\S.*error: )", err, flags=re.MULTILINE)[1:]:
            first = told.partition("\n")[0]
            if "  command line | " in told:
                continue
            if re.match(r"\S+\.toml:\d+: error: ", first):
                continue
            assert any(words in first for words in PLACELESS), told
        if is_slip(case) and case.kind != "word":
            # A slip shows at its own line; the dotted path has the wrong word in it.
            assert f"case.toml:{case.line}: error: " in err or "is missing" in err, err
            assert case.wrong in err


def suggested(case: Fuzzed, err: str) -> bool:
    """Whether a message says what was meant: `learning_rate`, or "float64"."""
    found = re.findall(r"did you mean (?:it by )?[`\"](.+?)[`\"]\?", err)
    return case.wanted in found or (case.wanted == "experiment" and case.wrong in found)


def fuzz(root: Path, count: int) -> Fuzzing:
    """Judge so many configs, always the same ones, in the current process."""
    fuzzing = Fuzzing(root)

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(fuzzed)
    def each(case):
        fuzzing(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setattr(cli, "listen", lambda: None)
        patch.setenv("JAXMATH_NO_CACHE", "1")
        patch.setenv("COLUMNS", "80")
        fuzzing.warm_up()
        each()
    return fuzzing


def rate(slips: list[tuple[Fuzzed, bool]]) -> float:
    return sum(right for _, right in slips) / max(len(slips), 1)


@pytest.mark.parametrize("count", [400, pytest.param(5000, marks=pytest.mark.full)])
def test_fuzzed_configs(count, tmp_path):
    found = fuzz(tmp_path / "project", count)
    assert sum(found.kinds.values()) >= count
    assert {status for _, status in found.kinds} == {0, 2}
    assert len(found.slips) > count / 8
    missed = [f"{case.wrong} for {case.wanted}" for case, right in found.slips if not right]
    told = f"{count} configs, {len(found.slips)} slips, {rate(found.slips):.1%} of them suggested\n"
    sys.stdout.write(told)
    assert rate(found.slips) >= 0.95, missed
    assert found.slowest < 10
    assert CANARY not in sys.modules
    assert os.listdir(tmp_path / "project" / "configs")
