"""What an experiment hands over (claims, tables, plots), and the folder of a run that keeps it."""

from jaxmath.runs.experiment import Axis, Claim, Fault, Line, Outcome, Plot, Result, Table
from jaxmath.runs.measured import Measured
