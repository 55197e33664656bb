"""Derivatives compared with each other and with the truth; the list of all formulas, and its laws.

`derivatives(function)` compares closed form, reverse mode, forward mode and a reference over the
whole domain and returns a `Report`. `examine(function)` searches for the worst points, judges every
answer there by the truth, and returns a `Verdict`. `check(function)` is whichever of them serves,
and `assert_derivatives(function)` the same for a test.
`prove(formula, fact)` encloses derivatives over boxes of the domain until a fact is proven or
refuted, and `proven_facts(formula)` says it of each.
`quick_check(loss, params)` compares a gradient at one point, without truth.
"""

from jaxmath.verify.catalog import EXEMPT, FORMULAS
from jaxmath.verify.checking import assert_derivatives, check
from jaxmath.verify.compare import derivatives
from jaxmath.verify.enclosed import Proof, prove, proven_facts
from jaxmath.verify.examine import examine
from jaxmath.verify.proven import Proven
from jaxmath.verify.quick import quick_check
from jaxmath.verify.reference import Estimate, Reference, numerical
from jaxmath.verify.report import Report, Row, Worst
from jaxmath.verify.verdict import FAULTS, Convention, Finding, Verdict
