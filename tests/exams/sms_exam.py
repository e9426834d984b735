"""The exam of every adapter of the `Sms` port. A subclass gives the fixture `sms` and says how to look into it."""

from collections.abc import Sequence

import pytest

from hutong.infra.ids import new_id
from hutong.messages import Accepted, OutgoingSms, Rejected, Send, Sms, deliver
from hutong.messages.model import compose
from hutong.messages.templates import templates

ANN, BO = "+8613800138001", "+33612345678"
SECRET = b"exam"


def message(phone=ANN, template="sign_in_code", language="zh", **facts) -> OutgoingSms:
    send = Send(
        message_id=new_id(), phone=phone, template=template, language=language, facts=facts or {"code": "042137"}
    )
    composed = compose(send, templates()[template], secret=SECRET)
    assert isinstance(composed, OutgoingSms)
    return composed


class SmsExam:
    """What a provider of messages must do."""

    def arrived(self, sms: Sms, phone: str) -> Sequence[str]:
        """The texts that the number received, oldest first."""
        raise NotImplementedError

    @pytest.mark.anyio
    async def test_it_has_a_name(self, sms: Sms):
        assert sms.name

    @pytest.mark.anyio
    async def test_a_message_arrives_with_all_its_words(self, sms: Sms):
        sent = message(language="zh")
        answer = await sms.send(sent)
        assert isinstance(answer, Accepted)
        assert answer.reference
        assert self.arrived(sms, ANN) == [sent.text]
        assert "042137" in sent.text

    @pytest.mark.anyio
    async def test_numbers_of_other_countries_and_languages(self, sms: Sms):
        sent = message(BO, language="en")
        assert isinstance(await sms.send(sent), Accepted)
        assert self.arrived(sms, BO) == [sent.text]
        assert self.arrived(sms, ANN) == []

    @pytest.mark.anyio
    async def test_the_same_message_twice_is_one(self, sms: Sms):
        sent = message()
        assert await sms.send(sent) == await sms.send(sent)
        assert len(self.arrived(sms, ANN)) == 1

    @pytest.mark.anyio
    async def test_two_messages_have_two_references(self, sms: Sms):
        one, two = await sms.send(message()), await sms.send(message())
        assert isinstance(one, Accepted)
        assert isinstance(two, Accepted)
        assert one.reference != two.reference

    @pytest.mark.anyio
    async def test_a_number_that_is_none_is_refused_and_not_raised(self, sms: Sms):
        for phone in ("13800138001", "+12", "+86x", ""):
            answer = await sms.send(message(phone))
            assert isinstance(answer, Rejected), phone
            assert answer.reason

    @pytest.mark.anyio
    async def test_many_at_once(self, sms: Sms):
        many = [message(f"+861380013{n:04d}") for n in range(50)]
        delivered = await deliver(sms, many)
        assert [d.message for d in delivered] == many
        assert all(isinstance(d.outcome, Accepted) for d in delivered)
