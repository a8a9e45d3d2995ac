"""The network: what sound and tokens become, and the slots that remember keys and values."""
