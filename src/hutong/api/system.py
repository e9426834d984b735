"""Health, metrics and the providers' callbacks: outside /api/v1, without a session."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import Provide
from litestar.params import FromPath

from hutong.api.glue import Home, open_to_all, provide_house
from hutong.desk import money
from hutong.infra import health, metrics
from hutong.infra.migrate import at_head
from hutong.payments import BadSignature

CALLBACK_MAX = 64 * 1024
DEPENDENCIES = {"house": Provide(provide_house, sync_to_thread=False)}


@get("/healthz", guards=[open_to_all], include_in_schema=False)
async def live() -> dict[str, Any]:
    """Whether this process runs."""
    return await health.live()


@get("/readyz", guards=[open_to_all], dependencies=DEPENDENCIES, include_in_schema=False)
async def ready(house: Home) -> Response[dict[str, Any]]:
    """Whether this process can serve: database, schema, relay."""
    found = await health.ready(
        house.db, migrated=at_head, now=house.clock.now(), relay_lag_s=house.settings.relay_lag_s
    )
    return Response(found, status_code=200 if found["ok"] else 503)


@get("/metrics", guards=[open_to_all], dependencies=DEPENDENCIES, include_in_schema=False)
async def numbers(request: Request[Any, Any, Any], house: Home) -> Response[bytes]:
    """Prometheus text; only for this machine and for trusted proxies' networks, asked directly: what a proxy passes on
    comes from anybody, though the proxy itself is trusted."""
    peer = request.client.host if request.client else ""
    near = peer in ("127.0.0.1", "::1", "") or house.settings.trusts(peer)
    if not near or "x-forwarded-for" in request.headers:
        return Response(b"", status_code=404)
    metrics.pool(house.db.stats())
    metrics.waiting(house.batches.waiting())
    return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)


@post("/callbacks/{provider:str}", guards=[open_to_all], dependencies=DEPENDENCIES, status_code=200,
      include_in_schema=False)  # fmt: skip
async def callback(provider: FromPath[str], request: Request[Any, Any, Any], house: Home) -> Response[dict[str, str]]:
    """A provider's word. Its signature is its ticket; success is answered only when the event is stored."""
    body = await request.body()
    if len(body) > CALLBACK_MAX:
        return Response({"code": "FAIL", "message": "too large"}, status_code=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        await money.callback(house, provider, headers, body)
    except BadSignature:
        metrics.forged_callbacks.labels(provider).inc()
        return Response({"code": "FAIL", "message": "signature"}, status_code=401)
    return Response({"code": "SUCCESS"})
