"""Twilio's side of telephone calls, over real sockets: webhooks, TwiML, media streams, REST.

It follows Twilio's documentation and knows nothing of ours: `interject twilio simulate`, tests and
benchmarks call a server with it.
"""
