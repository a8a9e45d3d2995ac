"""What connections, screens and webhooks have done, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from interject.integrations.web.connections import Closing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from interject.integrations.console.console import Console
    from interject.integrations.web.connections import Connections
    from interject.integrations.web.cue_screens import CueScreens
    from interject.integrations.web.webhook import WebhookOutput


class WebMetrics(Collector):
    """Reads their own counts when it is asked."""

    def __init__(
        self,
        screens: CueScreens,
        webhook: WebhookOutput | None,
        connections: Connections,
        console: Console | None = None,
    ) -> None:
        self._console = console
        self._connections = connections
        self._screens = screens
        self._webhook = webhook

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "interject_http_connections", "Connections that are open now.", self._connections.count
        )
        closed = CounterMetricFamily(
            "interject_http_connections_closed",
            "Connections that the server closed, by why: full, slow, unread.",
            labels=["why"],
        )
        for why in Closing:
            closed.add_metric([why], self._connections.closed[why])
        yield closed
        yield GaugeMetricFamily(
            "interject_cue_screens", "Screens that show cues now.", self._screens.open_screens
        )
        yield CounterMetricFamily(
            "interject_cue_screens_dropped",
            "Cards that a screen read too slowly to be shown.",
            self._screens.dropped,
        )
        yield GaugeMetricFamily(
            "interject_console_pages",
            "Consoles that are open now.",
            self._console.open_sockets if self._console else 0,
        )
        yield CounterMetricFamily(
            "interject_console_slow",
            "Consoles that were closed because they were read too slowly.",
            self._console.slow if self._console else 0,
        )
        delivered = self._webhook.delivered if self._webhook else 0
        dropped = self._webhook.dropped if self._webhook else 0
        yield CounterMetricFamily(
            "interject_webhooks_delivered", "Events that a webhook has taken.", delivered
        )
        yield CounterMetricFamily(
            "interject_webhooks_dropped", "Events that were not delivered.", dropped
        )
        letters = self._webhook.dead_letters if self._webhook else None
        yield CounterMetricFamily(
            "interject_webhook_dead_letters",
            "Events that were not delivered and are in the file of dead letters.",
            letters.kept if letters else 0,
        )
