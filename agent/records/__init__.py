"""What is kept of sessions, where a profile keeps anything: written while they go, read later."""
