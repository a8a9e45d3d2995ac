"""Many sessions on one network: what each hears, decides, says and remembers."""
