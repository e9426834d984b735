"""The HTTP face of SandboxPay."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from litestar import Litestar, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.logging import LoggingConfig
from litestar.response import Redirect
from msgspec import Struct

from hutong.cli.sandboxpay.bill import bill
from hutong.cli.sandboxpay.callbacks import Postman
from hutong.cli.sandboxpay.gate import Gate, parsed
from hutong.cli.sandboxpay.keys import Keys
from hutong.cli.sandboxpay.pages import not_found_page, pay_page, policy
from hutong.cli.sandboxpay.past import remember
from hutong.cli.sandboxpay.payments import PaymentAsk, Payments
from hutong.cli.sandboxpay.refunds import MoneyOut, PayoutAsk, RefundAsk
from hutong.cli.sandboxpay.script import Chapter, Script
from hutong.cli.sandboxpay.store import SkewedClock, Store
from hutong.cli.sandboxpay.trouble import Trouble, bad_input
from hutong.kit.clock import SystemClock, aware

SWEEP_SECONDS = 0.2
BODY_MAX = 64 * 1024
QUIET = LoggingConfig(
    root={"level": "WARNING", "handlers": ["queue_listener"]},
    log_exceptions="always",
    disable_stack_trace={404, 405, 413},
)
Asked = Request[Any, Any, State]


class Options(Struct, frozen=True, kw_only=True):
    """How a provider is started."""

    port: int
    keys: Path
    state: Path
    host: str = "127.0.0.1"
    base_url: str | None = None
    merchant: str = "M1000001"
    payee: str = "胡同 Hutong"
    zone: str = "Asia/Shanghai"
    retry_scale: float = 1.0
    scriptable: bool = False
    past: Path | None = None


class Provider:
    """Everything the handlers need, wired once."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = SkewedClock(SystemClock())
        self.store = Store(options.state, self.clock)
        if options.past is not None:
            remember(self.store, options.past)
        keys = Keys(options.keys)
        base = options.base_url or f"http://{options.host}:{options.port}"
        self.script = Script(self.store)
        self.postman = Postman(self.store, self.script, keys, merchant=options.merchant, scale=options.retry_scale)
        self.payments = Payments(self.store, self.script, self.postman, base)
        self.money_out = MoneyOut(self.store, self.script, self.postman)
        self.gate = Gate(self.store, self.script, keys, merchant=options.merchant, journal=options.scriptable)

    async def sweep(self) -> None:
        """Time passes: payments run out, slow refunds finish."""
        while True:
            self.payments.sweep()
            self.money_out.sweep()
            await asyncio.sleep(SWEEP_SECONDS)


def _provider(request: Asked) -> Provider:
    return request.app.state.provider


def _named(*fields: str) -> Any:
    """The numbers in a request body, for the script; an unreadable body has none."""

    def numbers(body: bytes) -> list[str]:
        try:
            data = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return []
        return [str(data[name]) for name in fields if name in data] if isinstance(data, dict) else []

    return numbers


@post("/payments", status_code=200)
async def open_payment(request: Asked) -> Response[bytes]:
    it = _provider(request)
    return await it.gate.answer(
        request, "open", _named("out_no"), lambda body: it.payments.open(parsed(body, PaymentAsk))
    )


@get("/payments/{number:str}")
async def query_payment(request: Asked, number: str) -> Response[bytes]:
    it = _provider(request)
    return await it.gate.answer(request, "query", lambda _: [number], lambda _: it.payments.query(number))


@post("/payments/{number:str}/close", status_code=200)
async def close_payment(request: Asked, number: str) -> Response[bytes]:
    it = _provider(request)
    return await it.gate.answer(request, "close", lambda _: [number], lambda _: it.payments.close(number))


@post("/refunds", status_code=200)
async def open_refund(request: Asked) -> Response[bytes]:
    it = _provider(request)
    return await it.gate.answer(
        request, "refund", _named("refund_no", "out_no"), lambda body: it.money_out.refund(parsed(body, RefundAsk))
    )


@get("/refunds/{number:str}")
async def query_refund(request: Asked, number: str) -> Response[bytes]:
    it = _provider(request)
    return await it.gate.answer(
        request, "refund_query", lambda _: [number], lambda _: it.money_out.query("refund", number)
    )


@post("/payouts", status_code=200)
async def open_payout(request: Asked) -> Response[bytes]:
    it = _provider(request)
    return await it.gate.answer(
        request, "payout", _named("payout_no"), lambda body: it.money_out.pay_out(parsed(body, PayoutAsk))
    )


@get("/payouts/{number:str}")
async def query_payout(request: Asked, number: str) -> Response[bytes]:
    it = _provider(request)
    return await it.gate.answer(
        request, "payout_query", lambda _: [number], lambda _: it.money_out.query("payout", number)
    )


@get("/bills/{day:str}")
async def daily_bill(request: Asked, day: str) -> Response[bytes]:
    it = _provider(request)

    def lines(_: bytes) -> dict[str, Any]:
        try:
            wanted = date.fromisoformat(day)
        except ValueError:
            raise bad_input("a day looks like 2026-11-22") from None
        return bill(it.store, wanted, it.options.zone)

    return await it.gate.answer(request, "bill", lambda _: [day], lines)


@get("/pay/{token:str}")
async def show_pay_page(request: Asked, token: str) -> Response[str]:
    it = _provider(request)
    try:
        return _page(it, it.payments.of_token(token))
    except Trouble:
        return Response(not_found_page(), status_code=404, media_type="text/html")


@post("/pay/{token:str}", status_code=200)
async def pay(request: Asked, token: str) -> Response[Any]:
    """Pays, or goes back unpaid; the merchant's page learns it as a hint, the callback is the proof."""
    it = _provider(request)
    choice = dict(parse_qsl((await request.body()).decode("latin-1"))).get("choice", "pay")
    try:
        payment = it.payments.of_token(token) if choice == "cancel" else it.payments.capture(token)
    except Trouble:
        return Response(not_found_page(), status_code=404, media_type="text/html")
    if payment["state"] == "closed":
        return _page(it, payment)
    result = "paid" if payment["state"] == "captured" else "cancelled"
    back = _with_query(payment["return_url"], {"out_no": payment["out_no"], "result": result})
    return Redirect(back, status_code=303)


def _page(it: Provider, payment: dict[str, Any]) -> Response[str]:
    return Response(
        pay_page(payment, it.options.payee),
        media_type="text/html",
        headers={
            "content-security-policy": policy(payment["return_url"]),
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
        },
    )


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *more.items()])))


@get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


class ClockAsk(Struct, frozen=True):
    """Turns the provider's clock: an instant with a zone."""

    now: datetime


@post("/script", status_code=200)
async def write_script(request: Asked) -> Response[Any]:
    try:
        _provider(request).script.write(parsed(await request.body(), Chapter))
    except Trouble as trouble:
        return Response({"code": trouble.code, "message": trouble.words}, status_code=trouble.status)
    return Response({"rules": _provider(request).script.rules()})


@post("/script/end", status_code=200)
async def end_script(request: Asked) -> dict[str, Any]:
    _provider(request).script.forget()
    return {"rules": []}


@post("/clock", status_code=200)
async def turn_clock(request: Asked) -> Response[Any]:
    it = _provider(request)
    try:
        it.clock.turn_to(aware(parsed(await request.body(), ClockAsk).now))
    except (Trouble, ValueError) as error:
        return Response({"code": "bad_input", "message": str(error)}, status_code=422)
    return Response({"now": it.store.now()})


@get("/effects")
async def effects(request: Asked) -> dict[str, Any]:
    """How often each thing really happened, what is still to be delivered, and who was asked how often."""
    store = _provider(request).store
    moved = store.rows("select kind || ':' || number as name, count(*) as times from effect group by kind, number")
    calls = store.rows("select op || ':' || number as name, count(*) as times from call group by op, number")
    waiting = store.row("select count(*) as events from event where due_at is not null")
    return {
        "effects": {row["name"]: row["times"] for row in moved},
        "calls": {row["name"]: row["times"] for row in calls},
        "waiting": waiting["events"] if waiting else 0,
    }


def create_app(options: Options) -> Litestar:
    """The application; the misbehaviour script is there only when asked for."""
    provider = Provider(options)

    @contextlib.asynccontextmanager
    async def life(app: Litestar) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(provider.postman.deliver()), asyncio.create_task(provider.sweep())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            provider.store.close()

    merchant_api = Router(
        "/v1",
        route_handlers=[
            open_payment,
            query_payment,
            close_payment,
            open_refund,
            query_refund,
            open_payout,
            query_payout,
            daily_bill,
        ],
    )
    test_bench = [write_script, end_script, turn_clock, effects] if options.scriptable else []
    return Litestar(
        route_handlers=[merchant_api, show_pay_page, pay, healthz, *test_bench],
        state=State({"provider": provider}),
        lifespan=[life],
        openapi_config=None,
        request_max_body_size=BODY_MAX,
        logging_config=QUIET,
    )
