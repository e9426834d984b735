"""Payouts: asked for, let go by a second person, sent and asked about between transactions, marked with evidence.

Who may: a payee's own people ask for a withdrawal and propose an account; the platform makes batches, lets go and
declines, approves accounts, marks what nobody knows, and closes tasks. Providers are called by `carry` only.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import people, places, recruiting, settlement
from hutong.desk.house import House
from hutong.desk.keyed import good, submit, sure
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Permission
from hutong.kit.clock import local, local_day
from hutong.kit.ids import PAYOUT, BadId
from hutong.kit.refusals import NotAllowed
from hutong.payments import OpenPayout, ProviderEvent, ProviderPayout, ProviderRefused, ProviderUnknown
from hutong.settlement import (
    AccountResting,
    AskPayout,
    Batch,
    Decide,
    MakeBatch,
    NoPayAccount,
    PayAccount,
    Payee,
    Payout,
    PayoutAsked,
    PayoutResult,
    Propose,
)

CALLS = 100  # payouts of one city in one round
RUN = Permission.RUN_PLATFORM
KEPT = ("number_reused", "bad_signature", "stale", "replayed", "unknown_merchant")  # says nothing about the money


class Carried(Struct, frozen=True, kw_only=True):
    """What a round did: payouts sent, asked about, and ended."""

    sent: int
    asked: int
    ended: int

    def __bool__(self) -> bool:
        return bool(self.sent or self.asked)


class _Said(Struct, frozen=True):
    """A provider's answer about a payout; None: there was none."""

    payout: Payout
    answer: ProviderPayout | None = None
    refused: str | None = None


async def carry(house: House, city_id: int) -> Carried:
    """Send what may be sent and ask about what is unknown. What does not answer stays unknown and is asked again."""

    async def claim(tx: Any) -> Any:
        return await settlement.claim_payouts(tx, city_id=city_id, now=house.clock.now(), limit=CALLS)

    claimed = await house.db.run_city(city_id, claim)
    said = [await _send(house, one) for one in claimed.sends]
    said += [await _ask(house, one) for one in claimed.asks]
    ended = await _bring(house, city_id, said) if said else 0
    return Carried(sent=len(claimed.sends), asked=len(claimed.asks), ended=ended)


async def _send(house: House, one: Payout) -> _Said:
    provider = house.providers.get(one.provider)
    if provider is None or one.account is None:
        return _Said(one)
    notify = f"{house.settings.address}/callbacks/{one.provider}"
    ask = OpenPayout(payout_no=one.number, account=one.account, amount=one.amount, notify_url=notify)
    return await _answer(one, provider.pay_out(ask))


async def _ask(house: House, one: Payout) -> _Said:
    provider = house.providers.get(one.provider)
    return _Said(one) if provider is None else await _answer(one, provider.payout(one.number))


async def _answer(one: Payout, asking: Awaitable[ProviderPayout]) -> _Said:
    """What came back: an answer, a refusal (nothing happened), or nothing that can be trusted."""
    try:
        return _Said(one, await asking)
    except ProviderRefused as no:
        return _Said(one) if no.code in KEPT else _Said(one, refused=no.code)
    except ProviderUnknown:
        return _Said(one)


async def _bring(house: House, city_id: int, said: Sequence[_Said]) -> int:
    """Write down the answers of a round, in one transaction; how many payouts ended."""
    results = [result for one in said if (result := _result(one)) is not None]
    unheard = [one.payout.payout_id for one in said if one.answer and one.answer.state == "unknown_number"]
    odd = [one.payout.payout_id for one in said if _odd(one)]

    async def work(tx: Any) -> int:
        now = house.clock.now()
        done = await settlement.payout_results(tx, results, city_id=city_id, now=now)
        if unheard:
            await settlement.never_heard(tx, unheard, city_id=city_id, now=now)
        if odd:
            await settlement.stuck(tx, odd, why="other_amount", city_id=city_id, now=now)
        return sum(one is True for one in done)

    ended = await house.db.run_city(city_id, work)
    house.nudge()
    return ended


def _odd(one: _Said) -> bool:
    """Another amount than was sent: it cannot be believed, and a person has to look at it."""
    answer = one.answer
    return answer is not None and answer.amount is not None and answer.amount != one.payout.amount


def _result(one: _Said) -> PayoutResult | None:
    if one.refused is not None:
        return PayoutResult(payout_id=one.payout.payout_id, state="refused", failure=one.refused)
    if one.answer is None or one.answer.state not in ("done", "failed") or _odd(one):
        return None
    failed = one.answer.state == "failed"
    return PayoutResult(
        payout_id=one.payout.payout_id, state="refused" if failed else "done", provider_no=one.answer.provider_no,
        failure=(one.answer.failure or "failed") if failed else None,
    )  # fmt: skip


async def heard(house: House, event: ProviderEvent) -> None:
    """A callback about a payout (its signature holds). It is a hint: the round asks the provider himself and takes his
    answer, so a callback that is lost, late or twice changes nothing."""
    try:
        city_id, payout_id = PAYOUT.read_local(event.number)
    except BadId:
        return

    async def work(tx: Any) -> Any:
        return await settlement.ask_soon(tx, [payout_id], city_id=city_id, now=house.clock.now())

    await house.db.run_city(city_id, work)
    await carry(house, city_id)


async def pay_day(house: House, city_id: int) -> Batch | None:
    """The batch of today, once its hour has come; None before, or when nobody said an hour. Made once a day."""
    hour = house.settings.payout_hour
    async with house.db.reading(city_id) as tx:
        zone, asset = await _city(tx, city_id)
    if hour is None or local(house.clock.now(), zone).hour < hour:
        return None
    return await _make(house, city_id, by=None, zone=zone, asset=asset)


async def turn(house: House, city_id: int, now: datetime) -> None:
    """The round of one city: until there is nothing to send and nothing to ask about."""
    del now
    while await carry(house, city_id):
        pass


async def pay_today(house: House, city_id: int, now: datetime) -> None:
    """The round that makes the batch of the day."""
    del now
    await pay_day(house, city_id)


async def make_batch(house: House, actor: Actor, city_id: int) -> Batch:
    """Pay out the city now; a day that has its batch gives that one. Only the platform."""
    must(actor)
    async with house.db.reading(city_id) as tx:
        zone, asset = await _city(tx, city_id)
    return await _make(house, city_id, by=actor.member_id, zone=zone, asset=asset)


async def _make(house: House, city_id: int, *, by: UUID | None, zone: str, asset: str) -> Batch:
    now, (provider, *_) = house.clock.now(), sorted(house.providers)
    ask = MakeBatch(
        batch_id=new_id(), day=local_day(now, zone), provider=provider, asset=asset, by=by,
        least_units=house.settings.payout_least_units, limit_units=house.settings.payout_limit_units,
    )  # fmt: skip
    made = await house.db.run_city(city_id, lambda tx: settlement.make_batches(tx, [ask], city_id=city_id, now=now))
    return made[0]


async def _city(tx: Any, city_id: int) -> tuple[str, str]:
    city = await places.city(tx, city_id)
    if city is None:
        raise places.UnknownCity()
    return city.zone, city.currency


async def withdraw(house: House, actor: Actor, payee: Payee, *, city_id: int, key: str) -> PayoutAsked:
    """A payee's own people ask for all that is payable. Above the limit a second person of the platform lets it go.

    Refusals: not_allowed, no_payout_account, payout_account_resting, and those of settlement.ask_payouts.
    """
    await own(house, actor, payee)
    now, (provider, *_) = house.clock.now(), sorted(house.providers)
    async with house.db.reading(city_id) as tx:
        zone, asset = await _city(tx, city_id)
        stands = (await settlement.standings(tx, [payee], at=now))[payee]
    if stands.resting is not None:
        raise AccountResting(until=local(stands.resting, zone).strftime("%Y-%m-%d %H:%M"))
    if stands.account is None:
        raise NoPayAccount()
    ask = AskPayout(
        payout_id=new_id(), provider=provider, asset=asset, account=stands.account, by=actor.member_id,
        merchant_id=payee.id if payee.kind == "merchant" else None,
        operator_id=payee.id if payee.kind == "operator" else None,
    )  # fmt: skip
    answer = await submit(
        house, "settlement.ask_payouts", city_id, actor=actor.member_id, key=key,
        given=(payee.kind, str(payee.id)), request=ask,
    )  # fmt: skip
    return good(answer)


async def propose(house: House, actor: Actor, payee: Payee, account: str, holder: str) -> PayAccount:
    """A payee's own people name another account; another person approves it. Refusals: not_allowed, and those of
    settlement.propose_accounts."""
    await own(house, actor, payee)
    ask = Propose(payee=payee, account=account, holder=holder, by=actor.member_id)
    async with house.db.central() as tx:
        made = await settlement.propose_accounts(tx, [ask], now=house.clock.now())
    return sure(made[0])


async def own(house: House, actor: Actor, payee: Payee) -> None:
    """Raises not_allowed unless the actor may move this payee's money: an owner of the shop, or a manager of the
    operator."""
    if not actor.is_member:
        raise NotAllowed()
    if payee.kind == "merchant":
        mine = payee.id in actor.scope(Permission.EDIT_MERCHANT).merchants
    else:
        mine = payee.id in await purses(house, actor)
    if not mine:
        raise NotAllowed()


async def purses(house: House, actor: Actor) -> list[UUID]:
    """The operators whose money this person may see and ask for: those that he manages, and himself where he runs a
    city in his own name (rules without a chain pay the person)."""
    if not actor.is_member:
        return []
    async with house.db.reading() as tx:
        seats = await recruiting.seats_of(tx, [actor.member_id])
    found = [seat.operator_id for seat in seats if seat.part == "manager"]
    if actor.scope(Permission.VIEW_STATEMENT).cities:  # who runs a city begins with what he earns in his own name
        return [actor.member_id, *found]
    return [*found, actor.member_id] if actor.scope(Permission.VIEW_CITY).cities else found


def must(actor: Actor) -> None:
    """Raises not_allowed unless the actor runs the platform."""
    if not actor.is_member or not actor.can(RUN):
        raise NotAllowed()


async def decide_batch(
    house: House, actor: Actor, batch_id: UUID, *, city_id: int, approve: bool, why: str = ""
) -> Batch:
    """Let a waiting batch go, or decline it. Refusals: not_allowed, batch_not_found, second_person_needed."""
    must(actor)

    async def work(tx: Any) -> Any:
        return await settlement.decide_batches(
            tx, [batch_id], by=actor.member_id, approve=approve, why=why, city_id=city_id, now=house.clock.now()
        )

    return sure((await house.db.run_city(city_id, work))[0])


async def decide_payout(
    house: House, actor: Actor, payout_id: UUID, *, city_id: int, approve: bool, why: str = ""
) -> bool:
    """Let a waiting withdrawal go, or decline it. Refusals: not_allowed, payout_not_found, second_person_needed."""
    must(actor)

    async def work(tx: Any) -> Any:
        return await settlement.decide_payouts(
            tx, [payout_id], by=actor.member_id, approve=approve, why=why, city_id=city_id, now=house.clock.now()
        )

    return sure((await house.db.run_city(city_id, work))[0])


async def decide_account(house: House, actor: Actor, payee: Payee, *, approve: bool, why: str = "") -> PayAccount:
    """Approve or decline what a payee proposed. Refusals: not_allowed, payout_account_not_found,
    second_person_needed."""
    must(actor)
    ask = Decide(payee=payee, by=actor.member_id, approve=approve, why=why)
    rest = timedelta(hours=house.settings.payout_rest_hours)
    async with house.db.central() as tx:
        done = await settlement.decide_accounts(tx, [ask], now=house.clock.now(), rest=rest)
    return sure(done[0])


async def mark(
    house: House, actor: Actor, payout_id: UUID, *, city_id: int, paid: bool, evidence: str
) -> bool:  # fmt: skip
    """Say of a payout that nobody can tell about that it was paid, or was not. Refusals: not_allowed,
    evidence_missing, second_person_needed, payout_not_found."""
    must(actor)
    said = PayoutResult(
        payout_id=payout_id, state="done" if paid else "refused", cause="marked", by=actor.member_id, note=evidence,
        failure=None if paid else "marked",
    )  # fmt: skip

    async def work(tx: Any) -> Any:
        return await settlement.mark_payouts(tx, [said], city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def ask_again(house: House, actor: Actor, payout_id: UUID, *, city_id: int) -> bool:
    """Ask the provider about an unknown payout now; True when there was one to ask about. Only the platform."""
    must(actor)

    async def work(tx: Any) -> Any:
        return await settlement.ask_soon(tx, [payout_id], city_id=city_id, now=house.clock.now())

    found = (await house.db.run_city(city_id, work))[0]
    await carry(house, city_id)
    return found


async def close_task(house: House, actor: Actor, task_id: UUID, *, city_id: int, outcome: str) -> bool:
    """Say what came of a task. Refusals: not_allowed, evidence_missing, payout_task_not_found."""
    must(actor)

    async def work(tx: Any) -> Any:
        return await settlement.close_tasks(
            tx, [task_id], by=actor.member_id, outcome=outcome, city_id=city_id, now=house.clock.now()
        )

    return sure((await house.db.run_city(city_id, work))[0])


async def names(house: House, ids: Sequence[UUID]) -> dict[UUID, str]:
    """What the people who asked, approved and marked are called."""
    async with house.db.reading() as tx:
        return {i: one.name for i, one in (await people.members(tx, sorted(set(ids)))).items()}
