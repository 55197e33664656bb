"""The self-test of `examine`: every planted fault is found, and nothing that is right is blamed.

`python -m tests.test_selftest` runs all of it and writes docs/selftest.md.
"""

import multiprocessing
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest

pytest.importorskip("flint")
from jaxmath.verify import examine
from tests import clean, mutants
from tests.marks import long_but

PAGE = Path(__file__).parent.parent / "docs" / "selftest.md"
BUDGET = 24
QUICK = {("scaled by 1 + 1e-9", "sin"), ("right at first order, wrong at second", "cube"),
         ("wrong only in float32", "exp")}  # fmt: skip


def caught(key):
    mutant = mutants.mutants()[key]
    return examine(mutant.fn, domain=mutant.domain, budget=BUDGET, **mutant.options)


def unharmed(name):
    f = mutants.FUNCTIONS[name]
    return examine(mutants.ruled(f, f.partials).fn, domain=f.domain, budget=BUDGET, order=2)


def right(name):
    made = clean.RIGHT[name]
    return examine(made.fn, domain=made.domain, budget=BUDGET, stop_gradients=made.stopped)


def alarms(name):
    """The pieces of a function that are clean before mpmath, and the false alarms on them."""
    found, domains = [], []
    function = clean.scalar_functions()[name]
    with jax.enable_x64(True):
        answer = clean.asked(function)
        for domain in clean.clean_pieces(name, function):
            domains.append(domain)
            verdict = examine(lambda x: function(x), domain=dict(x=domain), budget=BUDGET)
            found += [f"{f}" for f in verdict.open]
            for f in verdict.faults:
                x = float(f.point["x"])
                said = clean.before_mpmath(name, x, answer(np.array([x]))[0])
                if (said.slope if f.order else said.value) <= clean.ULPS:
                    found.append(str(f))
    return domains, found


@pytest.mark.parametrize("key", long_but(QUICK, mutants.mutants()), ids=" of ".join)
def test_a_planted_fault_is_found(key):
    verdict = caught(key)
    assert verdict.faults, str(verdict)


@pytest.mark.parametrize("name", long_but({"wave"}, mutants.FUNCTIONS))
def test_the_rule_before_it_is_broken_is_right(name):
    verdict = unharmed(name)
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize("name", long_but({"relu of 2x", "max of two"}, clean.RIGHT))
def test_what_is_right_by_construction_raises_no_alarm(name):
    verdict = right(name)
    assert verdict.ok, str(verdict)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", long_but((), clean.MEANT))
def test_what_mpmath_confirms_raises_no_alarm(name):
    domains, found = alarms(name)
    assert not found, f"on {domains}: {found}"


@pytest.mark.full
def test_every_scalar_function_is_looked_at():
    assert set(clean.scalar_functions()) == set(clean.MEANT) | (
        set(clean.scalar_functions()) & clean.EXEMPT
    )


def test_sixty_functions_are_right_by_construction():
    assert len(clean.RIGHT) == 60


def is_caught(key) -> bool:
    return bool(caught(key).faults)


def is_unharmed(name) -> bool:
    return unharmed(name).ok


def is_right(name) -> bool:
    return right(name).ok


def page(each) -> str:
    """The counts, as a page; `each(function, names)` maps, in as many processes as it likes."""
    kinds: dict[str, Counter] = {}
    missed = []
    keys = list(mutants.mutants())
    for (mutation, name), found in zip(keys, each(is_caught, keys), strict=True):
        count = kinds.setdefault(mutation, Counter())
        count["planted"] += 1
        count["caught"] += found
        missed += [] if found else [f"{mutation} of {name}"]
    lines = [
        "# Self-test",
        "",
        "`python -m tests.test_selftest` writes this page: what `jaxmath.verify.examine` finds of",
        "faults that a machine plants into correct rules, and what it blames of what is right.",
        "",
        f"Rules: {len(mutants.FUNCTIONS)}, each examined unharmed to second order first.",
        "",
        "| mutation | planted | caught |",
        "| --- | ---: | ---: |",
        *(f"| {m} | {c['planted']} | {c['caught']} |" for m, c in kinds.items()),
    ]
    planted, found = (sum(c[k] for c in kinds.values()) for k in ("planted", "caught"))
    lines += [f"| all | {planted} | {found} |", ""]
    lines += [f"Missed: {', '.join(missed)}.", ""] if missed else []

    def those(holds, names):
        return [name for name, fine in zip(names, each(holds, names), strict=True) if not fine]

    harmed = those(is_unharmed, list(mutants.FUNCTIONS))
    blamed = those(is_right, list(clean.RIGHT))
    looked = dict(zip(clean.MEANT, each(alarms, list(clean.MEANT)), strict=True))
    pieces = sum(len(domains) for domains, _ in looked.values())
    seen = [name for name, (domains, _) in looked.items() if domains]
    false = [name for name, (_, found) in looked.items() if found]
    lines += [
        "| clean functions | number | false alarms |",
        "| --- | ---: | ---: |",
        f"| the rules before they are broken | {len(mutants.FUNCTIONS)} | {len(harmed)} |",
        f"| with kinks, ties and declared stop_gradients | {len(clean.RIGHT)} | {len(blamed)} |",
        f"| jax.nn and jax.scipy.special, {pieces} pieces | {len(seen)} | {len(false)} |",
        "",
    ]
    names = [*harmed, *blamed, *false]
    return "\n".join(lines + ([f"Blamed: {', '.join(names)}.", ""] if names else []))


if __name__ == "__main__":
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        PAGE.write_text(page(pool.map))
    sys.stdout.write(PAGE.read_text())
