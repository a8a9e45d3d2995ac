"""Telephone calls by Twilio's Media Streams: a bot on the line, or a silent listener."""
