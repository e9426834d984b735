"""Points as arithmetic: what a purchase gives, when it matures and ends, what a point is worth. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from hutong.kit.clock import day_start, local_day
from hutong.programmes.model import BPS, Campaign, How, Partner, Parts, Policy, Rate, Tier


def points(units: int, rate: Rate, *, bps: int = BPS) -> int:
    """Points for `units` of money by a rate, times `bps` of a whole, rounded once, as the rate says."""
    if units < rate.least_units or units <= 0:
        return 0
    whole, per = units * rate.points * bps, rate.per_units * BPS
    return (2 * whole + per) // (2 * per) if rate.rounding == "half_up" else whole // per


def parts(units: int, how: How, *, left: int | None = None) -> Parts:
    """Base, bonus and campaign points of a purchase. `left`: what the campaign's budget still has."""
    base = points(units, how.rate, bps=how.category_bps)
    extra = base * how.campaign_bps // BPS - base
    return Parts(base, base * how.tier_bps // BPS - base, extra if left is None else min(extra, left))


def beyond(given: Parts, kept_units: int, how: How) -> Parts:
    """What of `given` goes back when only `kept_units` of the purchase are left, by the rules that gave it."""
    stay = parts(kept_units, how)
    return Parts(
        given.base - min(stay.base, given.base), given.bonus - min(stay.bonus, given.bonus),
        given.campaign - min(stay.campaign, given.campaign),
    )  # fmt: skip


def policy_at(policies: Sequence[Policy], at: datetime) -> Policy | None:
    """The version in force at an instant."""
    in_force = [policy for policy in policies if policy.valid_from <= at]
    return max(in_force, key=lambda policy: (policy.valid_from, policy.version), default=None)


def tier_of(tiers: Sequence[Tier], growth: int) -> int:
    """The index of the highest tier that `growth` reaches; -1: none."""
    reached = [i for i, tier in enumerate(tiers) if tier.growth <= growth]
    return max(reached, key=lambda i: tiers[i].growth, default=-1)


def next_growth(tiers: Sequence[Tier], growth: int) -> int | None:
    """The growth at which the next tier begins; None at the top."""
    return min((tier.growth for tier in tiers if tier.growth > growth), default=None)


def best_campaign(
    campaigns: Iterable[Campaign], *, partner_id: UUID, category: str | None, at: datetime
) -> Campaign | None:
    """Of the campaigns that fit, the one that gives most; ties: the smaller id."""
    fit = [
        one for one in campaigns
        if one.since <= at < one.until
        and (not one.partners or partner_id in one.partners)
        and (not one.categories or category in one.categories)
        and (one.budget_points is None or one.used_points < one.budget_points)
    ]  # fmt: skip
    return min(fit, key=lambda one: (-one.earn_bps, one.campaign_id), default=None)


def how_of(policy: Policy, partner: Partner, *, category: str | None, growth: int, campaign: Campaign | None) -> How:
    """The rules that apply to one purchase, taken down."""
    tier = tier_of(policy.tiers, growth)
    return How(
        rate=partner.rate or policy.rate,
        category_bps=policy.categories.get(category, BPS) if category is not None else BPS,
        tier_bps=policy.tiers[tier].earn_bps if tier >= 0 else BPS,
        campaign_bps=campaign.earn_bps if campaign is not None else BPS,
        campaign=campaign.campaign_id if campaign is not None else None,
        payer=campaign.payer if campaign is not None else "partner",
    )


def rule_of(policy: Policy, partner: Partner) -> str:
    """How a movement names its rules; a partner with terms of his own is named with their version."""
    own = partner.rate is not None or partner.redemption_bps is not None
    return f"{policy.name()}+{partner.version}" if own else policy.name()


def times(policy: Policy, at: datetime, zone: str) -> tuple[datetime, datetime]:
    """When points of a purchase mature and when they end: the local midnight that ends the last day.

    Without a pending period they mature at once.
    """
    day = local_day(at, zone)
    matures = day_start(day + timedelta(days=policy.pending_days + 1), zone) if policy.pending_days else at
    last = day + timedelta(days=policy.pending_days + policy.life_days)
    return matures, day_start(last + timedelta(days=1), zone)


def worth(points: int, face_units: int, policy: Policy, partner: Partner) -> int:
    """Money units that a redeeming partner is paid for points; the fraction of a unit stays with the programme."""
    bps = policy.redemption_bps if partner.redemption_bps is None else partner.redemption_bps
    return points * face_units * bps // BPS
