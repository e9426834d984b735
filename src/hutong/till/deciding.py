"""What becomes of a bill: pure rules over vouchers that are in hand, promotions and cards. Touches no database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import pricing, vouchers
from hutong.catalog import Membership, Offer, QCard, Stamp
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import Past
from hutong.people import Proven
from hutong.pricing import Adjustment, Facts, Live, PriceLine, Quote, Rule, Tags
from hutong.till.model import BILL_WORDS, MOST_SHOWN, Discount, Role, Settle, Shown, Used, Way
from hutong.till.refusals import BillTooSmall, NoAmount, NotForBills, NothingShown, SeveralGuests
from hutong.vouchers import Hand, Voucher


class Seen(Struct, frozen=True):
    """A voucher on the table: what it is for this bill, and the half minute of its code."""

    voucher: Voucher
    step: int
    role: Role
    form: object


class Take(Struct, frozen=True):
    """So many uses of a voucher for a bill. `units`: what it took off or paid."""

    seen: Seen
    redemption_id: UUID
    request_no: str
    count: int
    units: int
    uses_left: int
    burns: tuple[UUID, ...] = ()

    def used(self, asset: str) -> Used:
        voucher = self.seen.voucher
        return Used(
            redemption_id=self.redemption_id, voucher_id=voucher.voucher_id, offer_id=voucher.offer_id,
            role=self.seen.role, title=voucher.title, code_tail=voucher.code_tail, amount=Amount(self.units, asset),
            count=self.count, uses_left=self.uses_left,
        )  # fmt: skip


class Decided(Struct, frozen=True, kw_only=True):
    """A bill that can be settled: what each promotion takes off, what each voucher gives, how many `points` of which
    programme take `points_units` off what is left, and what is left to collect."""

    ask: Settle
    way: Way
    member_id: UUID | None
    holder: str
    discounts: tuple[Discount, ...]
    takes: tuple[Take, ...]
    points: int = 0
    points_units: int = 0
    programme_id: UUID | None = None

    @property
    def kept(self) -> tuple[Discount, ...]:
        """The discounts whose budgets must agree."""
        return tuple(discount for discount in self.discounts if discount.budgeted)

    @property
    def discounted(self) -> Amount:
        return Amount(sum(d.amount.units for d in self.discounts), self.ask.amount.asset)

    @property
    def paid(self) -> Amount:
        return Amount(sum(t.units for t in self.takes if t.seen.role == "card"), self.ask.amount.asset)

    @property
    def points_off(self) -> Amount:
        return Amount(self.points_units, self.ask.amount.asset)

    @property
    def collect(self) -> Amount:
        return self.ask.amount - self.discounted - self.paid - self.points_off


class Table(Struct, kw_only=True):
    """Everything that bills of one city are decided by. `tiers`: what a card for many shops takes off at a merchant,
    by (offer, merchant); `lives`: promotions of shown coupons and cards by id; `autos`: those that need no coupon, by
    merchant. `guests`: whom the counters recognised by their codes, by bill. `asset`: the currency of the city.
    `past`: what members have bought so far, by (member, merchant), where a condition asks for it."""

    city_id: int
    now: datetime
    zone: str
    asset: str
    hand: Hand
    offers: Mapping[UUID, Offer]
    lives: Mapping[UUID, Live]
    autos: Mapping[UUID, Sequence[Live]]
    tiers: Mapping[tuple[UUID, UUID], Rule | Refusal]
    guests: Mapping[UUID, Proven | Refusal]
    past: dict[tuple[UUID, UUID], Past] = {}

    def decide(self, ask: Settle) -> Decided | Refusal:
        """The bill, or the first reason against it. What is decided counts for the bills that are asked next.

        Refusals: nothing_shown, no_amount, those of people.use_badges and vouchers.Hand.look, several_guests,
        not_for_bills, of a shown card at a merchant that has not joined, of promotions (paused, over, budget), of
        pricing for a coupon that takes nothing off, bill_too_small.
        """
        if len(ask.shown) > MOST_SHOWN or not (ask.shown or ask.guest):
            return NothingShown(most=MOST_SHOWN)
        if ask.amount.units <= 0 or ask.amount.asset != self.asset:
            return NoAmount(asset=self.asset)
        guest = self.guests.get(ask.bill_id)
        if isinstance(guest, Refusal):
            return guest
        table = self._seen(ask, guest)
        if isinstance(table, Refusal):
            return table
        rules = self._rules(ask, table)
        if isinstance(rules, Refusal):
            return rules
        quote = pricing.quote([_line(ask)], promotions=[r for r, _ in rules.values()], facts=self._facts(ask, table))
        if isinstance(quote, Refusal):
            return quote
        refusal = _why_not_off(quote, table) or _why_no_stamp(quote.total, table)
        if refusal is not None:
            return refusal
        takes = self._takes(ask, table, quote, rules)
        self._count(ask, table, quote)
        way, member_id, holder = _whose(ask, table, guest)
        return Decided(
            ask=ask, way=way, member_id=member_id, holder=holder,
            discounts=_discounts(quote, rules, takes, self.tiers), takes=takes,
        )  # fmt: skip

    def _seen(self, ask: Settle, guest: Proven | None) -> list[Seen] | Refusal:
        """What is on the table, one coupon of a kind and one stamp card at most; all of one guest.

        In one order, whatever the order of entry: what ends first, then the smaller id. So which of two coupons of a
        kind is used, which voucher bears a discount and what is refused first never depend on what was typed first.
        """
        found: list[Seen] = []
        kinds: set[object] = set()
        for one in sorted(ask.shown, key=self._place):
            shown = self.hand.look(
                vouchers.Show(
                    voucher_id=one.voucher_id, proof=one.proof, merchant_id=ask.merchant_id, store_id=ask.store_id,
                    staff_id=ask.staff_id,
                )
            )  # fmt: skip
            if isinstance(shown, Refusal):
                return shown
            voucher = shown.voucher
            offer = self.offers.get(voucher.offer_id)
            form = offer.form if offer else None
            role = role_of(voucher.kind, form, value=voucher.value)
            if role is None:
                return NotForBills(title_zh=voucher.title.zh, title_en=voucher.title.en)
            kind = (role, None if role == "stamp" else voucher.voucher_id if role == "card" else voucher.offer_id)
            if kind not in kinds:
                kinds.add(kind)
                found.append(Seen(voucher, shown.step, role, form))
        if len({seen.voucher.member_id for seen in found} | ({guest.member_id} if guest else set())) > 1:
            return SeveralGuests()
        return found

    def _place(self, one: Shown) -> tuple[datetime, UUID]:
        voucher = self.hand.stock.get(one.voucher_id)
        return (voucher.valid_to if voucher else self.now), one.voucher_id

    def _rules(self, ask: Settle, table: Sequence[Seen]) -> dict[UUID, tuple[Rule, Seen]] | Refusal:
        """The promotions that this bill may use, each with the voucher that brings it."""
        rules: dict[UUID, tuple[Rule, Seen]] = {}
        for seen in table:
            offer_id = seen.voucher.offer_id
            live = self.lives.get(offer_id)
            if live is not None:
                refusal = pricing.why_not_usable(live, self.now, zone=self.zone)
                if refusal is not None:
                    return refusal
                rules[live.promotion_id] = (live.rule, seen)
            elif seen.role == "coupon":
                return NotForBills(title_zh=seen.voucher.title.zh, title_en=seen.voucher.title.en)
            if isinstance(seen.form, QCard):
                tier = self.tiers.get((offer_id, ask.merchant_id))
                if isinstance(tier, Refusal):
                    return tier
                if tier is not None:
                    rules[UUID(tier.id)] = (tier, seen)
            if isinstance(seen.form, Membership):
                rules |= {live.promotion_id: (live.rule, seen) for live in self._for_tag(ask, seen.form.tag)}
        return rules

    def _for_tag(self, ask: Settle, tag: str) -> list[Live]:
        """Automatic promotions that this tag opens."""
        return [
            live
            for live in self.autos.get(ask.merchant_id, ())
            if pricing.why_not_usable(live, self.now) is None
            and any(isinstance(c, Tags) and tag in c.any_of for c in live.rule.conditions)
        ]

    def _count(self, ask: Settle, table: Sequence[Seen], quote: Quote) -> None:
        """Of two bills of a guest one is the first."""
        member_id = self._member(ask, table)
        for member, merchant in [key for key in self.past if key[0] == member_id]:
            here = merchant == ask.merchant_id
            more = Past(1, int(here), quote.total.units if here else 0)
            self.past[member, merchant] = self.past[member, merchant].and_(more)

    def _facts(self, ask: Settle, table: Sequence[Seen]) -> Facts:
        member_id = self._member(ask, table)
        past = self.past.get((member_id, ask.merchant_id)) if member_id is not None else None
        return Facts(
            now=self.now, city_id=self.city_id, zone=self.zone, member_id=member_id, channel="till",
            orders_count=past.orders if past else None, orders_here=past.here if past else None,
            spend_here=past.spent if past else None,
            tags=tuple(sorted({s.form.tag for s in table if isinstance(s.form, Membership)})), store_id=ask.store_id,
            coupons=tuple(s.voucher.offer_id for s in table if s.role in ("coupon", "pass")),
        )  # fmt: skip

    def _member(self, ask: Settle, table: Sequence[Seen]) -> UUID | None:
        if table:
            return table[0].voucher.member_id
        return ask.guest.member_id if ask.guest else None

    def _takes(
        self, ask: Settle, table: Sequence[Seen], quote: Quote, rules: Mapping[UUID, tuple[Rule, Seen]]
    ) -> tuple[Take, ...]:
        """How much of each voucher: a coupon or a shown card once, lots of stored value as their rule says."""
        lots = {s.voucher.voucher_id: s for s in table if s.role == "card"}
        parts = vouchers.spread([s.voucher for s in lots.values()], quote.total.units)
        unspent = tuple(i for i in lots if i not in dict(parts))
        off: dict[UUID, int] = {}
        for adjustment in quote.adjustments:
            brought = rules[UUID(adjustment.promotion)][1].voucher.voucher_id
            off[brought] = off.get(brought, 0) + adjustment.amount.units
        wanted = [(s, 1, off.get(s.voucher.voucher_id, 0)) for s in table if s.role != "card"]
        wanted += [(lots[voucher_id], count, count) for voucher_id, count in parts]
        takes: list[Take] = []
        for number, (seen, count, units) in enumerate(wanted, 1):
            first_lot = seen.role == "card" and seen.voucher.voucher_id == parts[0][0]
            takes.append(
                Take(
                    seen=seen, redemption_id=derive(ask.bill_id, f"use/{number}"),
                    request_no=f"bill/{ask.event_id}/{number}", count=count, units=units,
                    uses_left=seen.voucher.uses_left - count, burns=unspent if first_lot else (),
                )
            )  # fmt: skip
        for take in takes:
            self.hand.use(take.seen.voucher.voucher_id, take.count, take.seen.step)
        for voucher_id in unspent if parts else ():
            self.hand.use(voucher_id, 0, lots[voucher_id].step)
        return tuple(takes)


def _whose(ask: Settle, table: Sequence[Seen], guest: Proven | None) -> tuple[Way, UUID | None, str]:
    """How the guest is known, who he is, and his name as staff may see it. A number says nothing of a name."""
    if guest is not None:
        return "code", guest.member_id, guest.holder
    if table:
        return "shown", table[0].voucher.member_id, table[0].voucher.holder
    known = ask.guest
    return (known.way, known.member_id, known.holder) if known else ("phone", None, "")


def role_of(kind: str, form: object, *, value: bool) -> Role | None:
    """What a voucher of this kind, sold in this form, is for a bill; None when it is for something else."""
    if kind == "coupon":
        return "coupon"
    if value:
        return "card"
    if kind == "card" and isinstance(form, Stamp):
        return "stamp"
    return "pass" if kind == "card" and isinstance(form, Membership | QCard) else None


def _line(ask: Settle) -> PriceLine:
    """A bill is one unit of nothing that has a name."""
    return PriceLine(
        line_no=1, offer_id=derive(ask.store_id, "bill"), title=BILL_WORDS, quantity=1, unit_price=ask.amount,
        list_price=ask.amount, merchant_id=ask.merchant_id, store_ids=(ask.store_id,), scheme="till",
    )  # fmt: skip


def _why_not_off(quote: Quote, table: Sequence[Seen]) -> Refusal | None:
    """A coupon that is shown and takes nothing off is not used up in silence."""
    shown = {str(seen.voucher.offer_id) for seen in table if seen.role == "coupon"}
    return next((v.no for v in quote.verdicts if v.promotion in shown and v.no is not None), None)


def _why_no_stamp(total: Amount, table: Sequence[Seen]) -> Refusal | None:
    for seen in table:
        if isinstance(seen.form, Stamp) and seen.role == "stamp" and total.units < seen.form.least_units:
            least = Amount(seen.form.least_units, total.asset)
            return BillTooSmall(least=least.words(), more=(least - total).words())
    return None


def _discounts(
    quote: Quote, rules: Mapping[UUID, tuple[Rule, Seen]], takes: Sequence[Take],
    tiers: Mapping[tuple[UUID, UUID], Rule | Refusal],
) -> tuple[Discount, ...]:  # fmt: skip
    by_voucher = {take.seen.voucher.voucher_id: take.redemption_id for take in takes}
    free = {tier.id for tier in tiers.values() if not isinstance(tier, Refusal)}
    return tuple(
        _discount(a, *rules[UUID(a.promotion)], by_voucher, a.promotion not in free) for a in quote.adjustments
    )


def _discount(
    adjustment: Adjustment, rule: Rule, seen: Seen, by_voucher: Mapping[UUID, UUID], budgeted: bool
) -> Discount:
    name: Text = rule.name
    return Discount(
        promotion_id=UUID(adjustment.promotion), redemption_id=by_voucher[seen.voucher.voucher_id], name=name,
        amount=adjustment.amount, shares=tuple((payer, share.units) for payer, share in adjustment.shares),
        budgeted=budgeted,
    )  # fmt: skip
