"""What a newcomer reads: the message alone is enough to mend the function."""

import sys

import pytest

from jaxmath.config.errors import Exit
from jaxmath.lab import cli

pytest.importorskip("flint")

TRAP = """
import jax.numpy as jnp

def excess(x):
    over = x - 1.0
    return jnp.where(over > 0, jnp.sqrt(over), 0.0)
"""
WHY = (
    "a branch of this where is not taken there, but its slope is infinite or undefined; "
    "reverse mode multiplies that slope by zero, which is nan"
)
MENDED_TRAP = TRAP.replace(
    "    return", "    safe_over = jnp.where(over > 0, over, 1.0)\n    return"
).replace("jnp.sqrt(over)", "jnp.sqrt(safe_over)")

RULE = """
import jax
import jax.numpy as jnp

@jax.custom_vjp
def wave(x, height):
    return jnp.sin(x) * height

def wave_fwd(x, height):
    return wave(x, height), (x, height)

def wave_bwd(kept, g):
    x, height = kept
    return (g * jnp.sin(x), g * jnp.cos(x) * height)

wave.defvjp(wave_fwd, wave_bwd)
"""
MENDED_RULE = RULE.replace(
    "(g * jnp.sin(x), g * jnp.cos(x) * height)", "(g * jnp.cos(x) * height, g * jnp.sin(x))"
)

GRADIENT = """
import jax
import jax.numpy as jnp

def predict(params, x):
    hidden = jax.nn.softplus(params["in"] * x)
    return hidden @ params["out"]["w"] + params["out"]["b"]

@jax.custom_vjp
def loss(params, x, y):
    return 0.5 * (predict(params, x) - y) ** 2

def loss_fwd(params, x, y):
    return loss(params, x, y), (params, x, y)

def loss_bwd(kept, g):
    params, x, y = kept
    residual = predict(params, x) - y
    hidden = jax.nn.softplus(params["in"] * x)
    inner = residual * params["out"]["w"] * jax.nn.sigmoid(params["in"] * x)
    slopes = {"in": inner * x, "out": {"w": 2 * residual * hidden, "b": residual}}
    slopes = jax.tree.map(lambda s: g * s, slopes)
    return slopes, g * inner @ params["in"], -g * residual

loss.defvjp(loss_fwd, loss_bwd)
"""
MENDED_GRADIENT = GRADIENT.replace("2 * residual * hidden", "residual * hidden")


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Exit status and message of `jaxmath verify my.py:...`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "listen", lambda: None)
    monkeypatch.setenv("JAXMATH_NO_CACHE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def verify(source, *words):
        (tmp_path / "my.py").write_text(source)
        monkeypatch.delitem(sys.modules, "my", raising=False)
        monkeypatch.setattr(sys, "argv", ["jaxmath", "verify", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out + said.err

    return verify


@pytest.mark.full
def test_a_where_that_spoils_the_gradient(told):
    status, message = told(TRAP, "my.py:excess", "--budget", "60")
    assert status == Exit.FAIL, message
    lines = [line.strip() for line in message.splitlines()]
    at = lines.index("cause: my.py:6: return jnp.where(over > 0, jnp.sqrt(over), 0.0)")
    assert lines[at - 1].startswith("d/dx by reverse mode: NaN or infinite at x=0.0:")
    assert lines[at + 1 : at + 5] == [
        WHY,
        "cure:",
        "safe_over = jnp.where(over > 0, over, 1.0)",
        "jnp.where(over > 0, jnp.sqrt(safe_over), 0.0)",
    ]
    assert lines[-7:] == [
        "from my import excess",
        "",
        'jax.config.update("jax_enable_x64", True)',
        "x = jnp.array(0.0, jnp.float64)",
        "print(jax.grad(excess)(x))",
        "# answers nan",
        "# truth   0 (proven)",
    ]
    status, message = told(MENDED_TRAP, "my.py:excess", "--budget", "60")
    assert status == Exit.PASS, message


@pytest.mark.full
def test_a_rule_with_its_arguments_swapped(told):
    status, message = told(RULE, "my.py:wave", "--budget", "60")
    assert status == Exit.FAIL, message
    assert (
        "my.py:12: the rule wave_bwd of wave gives for x the derivative with respect to height"
        in message
    )
    assert "what it returns there is `g * jnp.sin(x)`" in message
    assert "what it returns there is `g * jnp.cos(x) * height`" in message
    assert "from my import wave" in message
    status, message = told(MENDED_RULE, "my.py:wave", "--budget", "60")
    assert status == Exit.PASS, message


@pytest.mark.full
def test_a_gradient_of_parameters_with_a_factor_too_many(told):
    words = ("--budget", "30", "--wrt", "params", "--domain")
    domain = "params.in=S^2,params.out.w=S^2,params.out.b=S,x=S,y=S".replace("S", "[-3,3]")
    status, message = told(GRADIENT, "my.py:loss", *words, domain)
    assert status == Exit.FAIL, message
    assert "gives for params['out']['w'] 2 times the derivative" in message
    assert "what it returns there is `slopes`" in message
    status, message = told(MENDED_GRADIENT, "my.py:loss", *words, domain)
    assert status == Exit.PASS, message
