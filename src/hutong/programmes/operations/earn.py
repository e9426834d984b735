"""Points for purchases: each is funded before it is given."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec.structs import replace

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.clock import local_day
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.programmes import _missed, _store, arithmetic
from hutong.programmes import refusals as no
from hutong.programmes._desk import Desk
from hutong.programmes._ground import Ground, Plan, of_programmes, plan, read_partners
from hutong.programmes._missed import MissedRow
from hutong.programmes._rows import MoveRow
from hutong.programmes.model import Campaign, Caps, Earn, Earned
from hutong.programmes.operations import _counters
from hutong.programmes.operations._counters import Counters
from hutong.programmes.operations._granting import enter

SourceKey = tuple[UUID, str, UUID]


async def earn(tx: Tx, wanted: Sequence[Earn], *, now: datetime) -> list[Earned | Refusal]:
    """Give the points of purchases, in the order of the list; for each, Earned or the refusal.

    Money first: what stands behind the points leaves the partner's funding for the reserve in the same chain of
    transfers. One source earns once for ever: the same `movement_id` again is a replay, another one is
    `earned_already`. Who runs out of funding or into a cap gets no points and a row of `missed` (the purchase stands,
    so the caller commits); the same earn again is refused alike. A purchase that was undone before gives nothing.

    Refusals, the first that applies: programme_not_found, programme_closed, not_a_partner, partner_paused,
    amount_currency, movement_taken, earned_already, earn_cap, funding_exhausted.
    """
    return await give(tx, wanted, now=now)


async def give(
    tx: Tx, wanted: Sequence[Earn], *, now: datetime, granted: frozenset[UUID] = frozenset()
) -> list[Earned | Refusal]:
    """As `earn`; those of `granted` were missed before, and no cap counts for them."""
    if not wanted:
        return []
    ground = await of_programmes(tx, [one.programme_id for one in wanted])
    desk = Desk(ground.programmes, now)
    known = [one for one in wanted if one.programme_id in ground.programmes]
    await _store.lock(tx, [(one.member_id, one.programme_id) for one in known], desk=desk)
    earned = await _store.load_earns(tx, desk, ground.programmes, [one.source.ref for one in known])
    await _store.load_moves(tx, desk, ground.programmes, [one.movement_id for one in known])
    missed = await _missed.load(tx, ground.programmes, refs=[one.source.ref for one in known])
    counters = await _counters.lock(tx, _watched(ground, known))
    await read_partners(tx, ground, known, now=now)
    turn = _Turn(ground, desk, earned, missed, counters, granted)
    results = [turn.one(request) for request in wanted]
    await _counters.write(tx, counters)
    await _missed.write(tx, turn.misses, desk.now)
    await _store.flush(tx, desk)
    await tx.record(turn.facts)
    return results


def _watched(ground: Ground, wanted: Sequence[Earn]) -> list[_counters.Key]:
    """The counters that the caps of the rules in force look at."""
    keys: list[_counters.Key] = []
    for one in wanted:
        policy = arithmetic.policy_at(ground.policies[one.programme_id], one.at)
        if policy is not None:
            day = local_day(one.at, ground.programmes[one.programme_id].zone)
            keys += [key for key, _, _ in _limits(policy.caps, one, day)]
    return keys


def _limits(caps: Caps, one: Earn, day: date) -> list[tuple[_counters.Key, str, int]]:
    """(counter, what it counts, the most)."""
    found: list[tuple[_counters.Key, str, int]] = []
    if caps.member_points_a_day is not None:
        key = (one.programme_id, day, "member", str(one.member_id))
        found.append((key, "points", caps.member_points_a_day))
    if caps.earns_a_day_at_partner is not None:
        key = (one.programme_id, day, "partner", f"{one.member_id}/{one.partner_id}")
        found.append((key, "times", caps.earns_a_day_at_partner))
    if caps.earns_a_day_by_staff is not None and one.staff_id is not None:
        key = (one.programme_id, day, "staff", str(one.staff_id))
        found.append((key, "times", caps.earns_a_day_by_staff))
    return found


class _Turn:
    """The list, decided in order."""

    def __init__(
        self, ground: Ground, desk: Desk, earned: dict[SourceKey, MoveRow], missed: dict[SourceKey, MissedRow],
        counters: Counters, granted: frozenset[UUID],
    ) -> None:  # fmt: skip
        self.ground, self.desk, self.earned, self.missed = ground, desk, earned, missed
        self.counters, self.granted = counters, granted
        self.misses: list[MissedRow] = []
        self.facts: list[Fact] = []

    def one(self, request: Earn) -> Earned | Refusal:
        programme = self.ground.programmes.get(request.programme_id)
        if programme is None:
            return no.ProgrammeUnknown()
        stood = self._stood(request)
        if stood is not None:
            return stood
        planned = plan(self.ground, request, self._growth(request), self._kept(request))
        if isinstance(planned, Refusal):
            return planned
        refusal = self._capped(planned, request) or self._unfunded(planned, request)
        if refusal is not None:
            return refusal
        return self._enter(planned, request)

    def _stood(self, request: Earn) -> Earned | Refusal | None:
        key = (request.programme_id, request.source.kind, request.source.ref)
        move = self.desk.moves.get((request.programme_id, request.movement_id))
        if move is not None and (move.kind != "earn" or move.member_id != request.member_id):
            return no.MovementTaken()
        was = self.earned.get(key)
        if was is not None:
            return self._replay(was) if was.movement_id == request.movement_id else no.EarnedAlready()
        if move is not None:
            return no.MovementTaken()
        miss = self.missed.get(key)
        if miss is not None and miss.why != "undone" and request.movement_id not in self.granted:
            return no.EarnCap(which=miss.which) if miss.why == "earn_cap" else no.FundingExhausted()
        return None

    def _replay(self, move: MoveRow) -> Earned:
        policies, programme = self.ground.policies[move.programme_id], self.ground.programmes[move.programme_id]
        assert move.bought_at is not None
        policy = arithmetic.policy_at(policies, move.bought_at)
        assert policy is not None
        matures, expires = arithmetic.times(policy, move.bought_at, programme.zone)
        return Earned(
            movement_id=move.movement_id, base=move.base, bonus=move.bonus, campaign=move.campaign, matures_at=matures,
            expires_at=expires, rule=move.rule, replayed=True,
        )  # fmt: skip

    def _growth(self, request: Earn) -> int:
        return self.desk.wallets[request.member_id, request.programme_id].growth

    def _kept(self, request: Earn) -> int:
        """What of the purchase was not undone before it earned."""
        miss = self.missed.get((request.programme_id, request.source.kind, request.source.ref))
        return request.amount.units if miss is None else min(miss.amount_units, request.amount.units)

    def _capped(self, planned: Plan, request: Earn) -> Refusal | None:
        points = planned.parts.points
        if request.movement_id in self.granted or not points:
            return None
        day = local_day(request.at, planned.programme.zone)
        limits = _limits(planned.policy.caps, request, day)
        for key, what, most in limits:
            times, sum_ = self.counters.get(key)
            if (sum_ + points if what == "points" else times + 1) > most:
                self._miss(planned, request, "earn_cap", key[2])
                return no.EarnCap(which=key[2])
        return None

    def _unfunded(self, planned: Plan, request: Earn) -> Refusal | None:
        if planned.cost and planned.cost > self.ground.left[request.programme_id, request.partner_id]:
            self._miss(planned, request, "funding_exhausted", "")
            self._tell(planned, request, "funding_exhausted")
            return no.FundingExhausted()
        return None

    def _miss(self, planned: Plan, request: Earn, why: str, which: str) -> None:
        row = MissedRow.of(request, self._kept(request), planned.parts.points, why, which)
        key = (request.programme_id, request.source.kind, request.source.ref)
        if self.missed.get(key) is None:
            self.misses.append(row)
            self.missed[key] = row

    def _tell(self, planned: Plan, request: Earn, what: str) -> None:
        """Once a day: the partner's funding is low, or used up."""
        partner, zone, topic = planned.partner, planned.programme.zone, f"programmes.{what}"
        day = local_day(self.desk.now, zone)
        self.facts.append(
            Fact(
                fact_id=derive(partner.partner_id, f"{topic}/{day}"), city_id=request.city_id, topic=topic,
                subject=partner.partner_id, at=self.desk.now,
                payload={
                    "programme": str(partner.programme_id), "name": {"zh": partner.name.zh, "en": partner.name.en},
                    "left": self.ground.left[partner.programme_id, partner.partner_id],
                    "currency": planned.programme.currency,
                },
            )
        )  # fmt: skip

    def _enter(self, planned: Plan, request: Earn) -> Earned:
        matures, expires = arithmetic.times(planned.policy, request.at, planned.programme.zone)
        parts, partner, key = planned.parts, planned.partner, (request.programme_id, request.partner_id)
        for counter, _, _ in _limits(planned.policy.caps, request, local_day(request.at, planned.programme.zone)):
            if parts.points:
                self.counters.add(counter, parts.points)
        self.ground.left[key] -= planned.cost
        if planned.cost and self.ground.left[key] < partner.alert_units <= self.ground.left[key] + planned.cost:
            self._tell(planned, request, "funding_low")
        move = enter(self.desk, planned, request, matures, expires)
        if planned.campaign is not None:
            self._use(planned.campaign, parts.campaign)
        self.earned[move.programme_id, move.source_kind, move.source_ref] = move
        return Earned(
            movement_id=move.movement_id, base=parts.base, bonus=parts.bonus, campaign=parts.campaign,
            matures_at=matures, expires_at=expires, rule=move.rule,
        )  # fmt: skip

    def _use(self, campaign: Campaign, points: int) -> None:
        self.desk.use_campaign(campaign.programme_id, campaign.campaign_id, points)
        mine = self.ground.campaigns[campaign.programme_id]
        mine[mine.index(campaign)] = replace(campaign, used_points=campaign.used_points + points)
