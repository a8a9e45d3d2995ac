"""`interject serve` behind a telephone number; who calls it is `benchmarks.twilio_cloud`."""
