"""Compiled programs that outlive the process, for those who want them."""

from pathlib import Path


def use_compilation_cache(directory: str | Path) -> None:
    """Keeps what JAX compiles in a directory, and takes it from there in later processes.

    The compiled engine (``engine="jax"``) gains; the other compiles nothing. This sets the process's own JAX
    configuration, which is why it is left to you to call it.

    Args:
        directory: Made if missing.

    Example:
        >>> from tempfile import mkdtemp
        >>> import jax
        >>> from perceptron_pruning import use_compilation_cache
        >>> folder = mkdtemp()
        >>> use_compilation_cache(folder)
        >>> jax.config.jax_compilation_cache_dir == folder
        True
    """
    import jax  # loaded when it is used

    path = Path(directory).expanduser()
    path.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
