"""ConsoleSms sits the exam of the port, and shows a code to nobody but the demo."""

import asyncio
import io
import re

import pytest

from hutong.messages import Accepted, ConsoleSms, OutgoingSms, Rejected, Sms, SmsUnknown, Unknown, deliver
from hutong.messages.console import last_code_in
from hutong.messages.templates import templates
from tests.exams.sms_exam import ANN, SmsExam, message


class TestConsoleSms(SmsExam):
    @pytest.fixture
    def sms(self) -> ConsoleSms:
        return ConsoleSms(out=io.StringIO())

    def arrived(self, sms: Sms, phone: str) -> list[str]:
        assert isinstance(sms, ConsoleSms)
        return [kept.text for kept in sms.kept(phone)]


@pytest.mark.anyio
async def test_outside_the_demo_the_code_is_starred_out():
    out = io.StringIO()
    sms = ConsoleSms(out=out)
    await sms.send(message(code="042137"))
    assert "042137" not in out.getvalue()
    assert "******" in out.getvalue()
    assert "13800138001" not in out.getvalue()
    assert "138****8001" in out.getvalue()
    with pytest.raises(ValueError, match="only the demo"):
        ConsoleSms(file=__file__)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_the_demo_shows_the_code_and_writes_it_to_its_file(tmp_path):
    out, file = io.StringIO(), tmp_path / "sms.jsonl"
    sms = ConsoleSms(demo=True, file=file, out=out, keep=2)
    assert last_code_in(file, ANN) is None
    for code in ("111111", "222222", "333333"):
        await sms.send(message(code=code))
    await sms.send(message(template="voucher_expiring", offer="双人餐", day="11-30"))
    assert "333333" in out.getvalue()
    assert "13800138001" not in out.getvalue()
    assert sms.last_code(ANN) == last_code_in(file, ANN) == "333333"
    assert sms.last_code("+86") is None
    assert len(sms.kept(ANN)) == 2, "only the last ones are kept"


class Silent:
    """A provider that fails in the way it is told to."""

    name = "silent"

    def __init__(self, how: str) -> None:
        self.how = how

    async def send(self, message: OutgoingSms) -> Accepted | Rejected:
        if self.how == "slow":
            await asyncio.sleep(60)
        if self.how == "unknown":
            raise SmsUnknown("answered with a page of HTML")
        raise ConnectionResetError("reset by peer")


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["slow", "unknown", "reset"])
async def test_an_answer_that_did_not_come_is_unknown(how):
    (delivered,) = await deliver(Silent(how), [message()], timeout_s=0.05)
    assert isinstance(delivered.outcome, Unknown)
    assert delivered.outcome.reason
    assert delivered.provider == "silent"


@pytest.mark.parametrize("name", templates())
def test_the_words_are_whole_in_both_languages(name):
    template = templates()[name]
    in_zh, in_en = (set(re.findall(r"\{(\w+)\}", words)) for words in (template.words.zh, template.words.en))
    assert in_zh == in_en, "both languages speak of the same things"
    assert template.secret <= template.needs
    assert template.words.zh.startswith("【胡同】")
    assert "\xa0" not in template.words.en, "a stray sign would make every message cost twice"
