"""What screens and webhooks have done, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from interject.integrations.web.cue_screens import CueScreens
    from interject.integrations.web.webhook import WebhookOutput


class WebMetrics(Collector):
    """Reads their own counts when it is asked."""

    def __init__(self, screens: CueScreens, webhook: WebhookOutput | None) -> None:
        self._screens = screens
        self._webhook = webhook

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "interject_cue_screens", "Screens that show cues now.", self._screens.open_screens
        )
        yield CounterMetricFamily(
            "interject_cue_screens_dropped",
            "Cards that a screen read too slowly to be shown.",
            self._screens.dropped,
        )
        delivered = self._webhook.delivered if self._webhook else 0
        dropped = self._webhook.dropped if self._webhook else 0
        yield CounterMetricFamily(
            "interject_webhooks_delivered", "Events that a webhook has taken.", delivered
        )
        yield CounterMetricFamily(
            "interject_webhooks_dropped", "Events that were not delivered.", dropped
        )
