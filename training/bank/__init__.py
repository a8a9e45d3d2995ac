"""One packed file of what nano's training draws from, for a machine that has no synthesiser."""
