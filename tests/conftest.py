"""Settings that every test runs under: float64 available, silent broadcasting forbidden."""

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
