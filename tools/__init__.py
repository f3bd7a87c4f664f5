"""Scripts that prepare a machine: standard library only, run with ``python -m tools.NAME``."""
