"""What a responder may do beside talking: what a profile lists, and nothing else."""
