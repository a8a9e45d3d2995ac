"""Genesys Cloud AudioHook: Monitor, which listens to a call, and Connector, where a bot speaks."""
