"""The persistent compilation cache: what was compiled once is loaded the next time.

It is one of the things in the user's cache folder (`config.user_cache`); a folder that the user
gave to JAX itself is left as it is.
"""

from __future__ import annotations

import jax

from jaxmath.config import user_cache

FOLDER = "compiled"


def switch_on(wanted: bool = True) -> bool:
    """Keep compiled programs of this process from now on; whether they are kept.

    Every program is kept, however fast it compiled: an experiment is made of many small ones, and
    JAX's own threshold of one second would keep none of them.
    """
    if not wanted or not user_cache.is_allowed():
        return False
    if getattr(jax.config, "jax_compilation_cache_dir", None) is not None:
        return True
    try:
        folder = user_cache.folder(FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no cache is slower, and nothing else
        return False
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return True
