"""Our own protocol for whoever dials in by himself: a `hello`, then samples both ways."""
