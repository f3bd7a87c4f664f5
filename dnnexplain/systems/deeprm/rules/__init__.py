"""Hand-written schedulers, compiled and as policies."""
