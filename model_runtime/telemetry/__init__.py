"""What a process tells its operators: metrics, health, logs, spans. Never what was said or heard.

Importing this package imports neither torch, nor the Prometheus client, nor OpenTelemetry.
"""
