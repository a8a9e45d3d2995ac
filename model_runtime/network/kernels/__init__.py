"""A step's arithmetic in Triton. Only where Triton is installed may anything here be imported."""
