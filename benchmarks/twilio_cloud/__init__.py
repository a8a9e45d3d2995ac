"""The other end of the telephone: what Twilio does, over real sockets. Knows nothing of ours."""
