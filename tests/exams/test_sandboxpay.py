"""SandboxPay, the real process, sits the exam; then what only a provider of our own can be asked."""

import asyncio
import base64
import string
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hutong.kit.clock import ManualClock, SystemClock
from hutong.payments.port import BadSignature, ProviderRefused, ProviderUnknown
from tests.exams.payment_exam import Bench, PaymentExam
from tests.provider import Mailbox, Parrot, SandboxProcess

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    process = await SandboxProcess(tmp_path_factory.mktemp("sandboxpay")).start()
    yield process
    await process.stop()


@pytest.fixture
async def mail() -> AsyncIterator[Mailbox]:
    async with Mailbox() as box:
        yield box


@pytest.fixture
async def bench(company: SandboxProcess, mail: Mailbox) -> AsyncIterator[Bench]:
    async with company.adapter(answer_seconds=1.0) as provider:
        yield Bench(provider=provider, company=company, mail=mail)
    await company.end_script()


class TestSandboxPay(PaymentExam):
    """The exam itself."""


async def test_the_pay_page_speaks_both_languages_and_loads_nothing(bench: Bench):
    opened = await bench.provider.open_payment(bench.ask(6850))
    page = await bench.company.web.get(opened.pay_url)
    for words in ("68.50", "¥", "牛肉面双人餐", "胡同 Hutong", "确认支付", "Pay", "取消", "Cancel"):
        assert words in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "<script" not in page.text
    await bench.company.pay(opened.pay_url)
    assert "支付成功" in (await bench.company.web.get(opened.pay_url)).text
    assert (await bench.company.web.get("/pay/nobody")).status_code == 404


async def test_words_of_the_merchant_are_text_on_the_page(bench: Bench):
    ask = bench.ask()
    opened = await bench.provider.open_payment(structs.replace(ask, description="<b>x</b>"))
    assert "&lt;b&gt;x&lt;/b&gt;" in (await bench.company.web.get(opened.pay_url)).text


async def test_only_the_merchant_is_served(bench: Bench):
    """Unsigned, replayed, and from a clock that is ten minutes off."""
    assert (await bench.company.web.post("/v1/payments", json={})).status_code == 401
    async with bench.company.adapter(ManualClock(SystemClock().now() - timedelta(minutes=10))) as late:
        with pytest.raises(ProviderRefused, match="stale"):
            await late.open_payment(bench.ask())


async def test_a_request_is_taken_once(bench: Bench):
    """Whoever records a signed request cannot send it elsewhere, and cannot send it twice."""
    async with (
        Mailbox() as eavesdropper,
        bench.company.adapter(url=eavesdropper.origin) as fooled,
    ):
        with pytest.raises(ProviderUnknown):
            await fooled.open_payment(bench.ask())
    headers, body = eavesdropper.letters[0]
    signed = {k: v for k, v in headers.items() if k.startswith("sandboxpay-")}
    codes = [
        (await bench.company.web.post(path, content=body, headers=signed)).status_code
        for path in ("/v1/refunds", "/v1/payments", "/v1/payments")
    ]
    assert codes == [401, 200, 401]


async def test_bad_input_is_refused_with_a_code(bench: Bench):
    ask = bench.ask()
    for field, value in {"out_no": "a b", "notify_url": "file:///etc/passwd", "return_url": "javascript:x"}.items():
        with pytest.raises(ProviderRefused, match="bad_input"):
            await bench.provider.open_payment(structs.replace(ask, **{field: value}))
    with pytest.raises(ProviderRefused, match="expired"):
        await bench.provider.open_payment(bench.ask(seconds=-1))


async def test_an_answer_of_somebody_else_is_not_believed(bench: Bench, tmp_path: Path):
    """The keys of another installation do not fit: nothing that comes back counts as an answer."""
    other = await SandboxProcess(tmp_path).start()
    try:
        async with other.adapter(url=bench.company.url) as fooled:
            with pytest.raises(ProviderUnknown):
                await fooled.payment("pay_1_x")
    finally:
        await other.stop()


async def test_an_old_answer_is_no_answer_to_a_new_question(bench: Bench):
    """Who records "unpaid" (or "captured") cannot tell it again later: an answer belongs to its question."""
    ask = bench.ask()
    await bench.provider.open_payment(ask)
    async with Parrot(bench.company.port) as parrot, bench.company.adapter(url=parrot.url) as fooled:
        assert (await fooled.payment(ask.out_no)).state == "unpaid"
        with pytest.raises(ProviderUnknown):
            await fooled.payment(ask.out_no)


async def test_a_callback_for_another_merchant_is_refused(bench: Bench):
    """E7: the provider's own signature, but not about our money."""
    ask = await bench.paid()
    headers, body = (await bench.mail.wait(ask.out_no))[0]
    async with bench.company.adapter(merchant="M2") as other:
        with pytest.raises(BadSignature):
            other.read_event(headers, body, now=SystemClock().now())


async def test_a_signature_has_one_spelling(bench: Bench):
    """Base64 has spare bits at its end; another text for the same signature is refused all the same."""
    ask = await bench.paid()
    headers, body = (await bench.mail.wait(ask.out_no))[0]
    text = headers["sandboxpay-signature"]
    twins = [text[:-3] + c + "==" for c in string.ascii_letters + string.digits if c != text[-3]]
    twin = next(t for t in twins if base64.b64decode(t) == base64.b64decode(text))
    with pytest.raises(BadSignature):
        bench.provider.read_event({**headers, "sandboxpay-signature": twin}, body, now=SystemClock().now())


async def test_nobody_there_is_unknown(bench: Bench):
    async with bench.company.adapter(url="http://127.0.0.1:9") as provider:
        with pytest.raises(ProviderUnknown):
            await provider.payment("pay_1_x")


async def test_a_killed_provider_forgets_nothing(mail: Mailbox, tmp_path: Path):
    """SIGKILL between capture and callback: after the restart the money is there, and the callback comes."""
    company = await SandboxProcess(tmp_path).start()
    async with company.adapter() as provider:
        bench = Bench(provider=provider, company=company, mail=mail)
        ask = await bench.paid(6800, {"mode": "late", "seconds": 1.5})
        company.kill()
        await company.start()
        assert (await provider.payment(ask.out_no)).state == "captured"
        (event,) = await bench.events(ask.out_no)
        assert event.kind == "payment.captured"
        assert await company.effects(ask.out_no) == {"capture": 1}
    assert await company.stop() == 0


async def test_a_hanging_request_does_not_hold_up_the_end(mail: Mailbox, tmp_path: Path):
    company = await SandboxProcess(tmp_path).start()
    async with company.adapter() as provider:
        bench = Bench(provider=provider, company=company, mail=mail)
        await company.script(None, {"mode": "silent"})
        hanging = asyncio.create_task(provider.open_payment(bench.ask()))
        await asyncio.sleep(0.2)
        assert await company.stop() == 0
        with pytest.raises(ProviderUnknown):
            await hanging


async def test_its_clock_can_be_turned(mail: Mailbox, tmp_path: Path):
    """A story that lives in March 2027 finds a provider there, with callbacks signed in March 2027."""
    company = await SandboxProcess(tmp_path).start()
    march = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
    await company.web.post("/clock", json={"now": march.isoformat()})
    async with company.adapter(ManualClock(march)) as provider:
        bench = Bench(provider=provider, company=company, mail=mail)
        ask = structs.replace(bench.ask(), expires_at=march + timedelta(minutes=15))
        await company.pay((await provider.open_payment(ask)).pay_url)
        headers, body = (await mail.wait(ask.out_no))[0]
        assert provider.read_event(headers, body, now=march).at.month == 3
    await company.stop()
