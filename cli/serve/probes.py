"""`/healthz`, `/readyz` and `/metrics`, as workers have them, beside the doors."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from starlette.responses import PlainTextResponse, Response

from interject.integrations.web.guarded_route import guarded
from interject.model_runtime.telemetry.health import HealthStatus

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from interject.cli.serve.readiness import Readiness
    from interject.integrations.web.bearer import Bearer


def probe_router(readiness: Readiness, registry: CollectorRegistry, bearer: Bearer) -> APIRouter:
    """Metrics are for those who have a token. A loop that hangs answers no probe at all."""
    router = APIRouter()

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> PlainTextResponse:
        return _answer(HealthStatus(True, "alive"))

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> PlainTextResponse:
        return _answer(readiness.status())

    for_operators = APIRouter(route_class=guarded(bearer))

    @for_operators.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=kind)

    router.include_router(for_operators)
    return router


def _answer(health: HealthStatus) -> PlainTextResponse:
    status = HTTPStatus.OK if health.good else HTTPStatus.SERVICE_UNAVAILABLE
    return PlainTextResponse(f"{health.reason}\n", status)
