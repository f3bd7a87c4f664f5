"""Networks from the inside: hooks that always go, kinds of modules, a network as plain arrays."""
