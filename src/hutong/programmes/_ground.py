"""What decides what a purchase gives: rules, partners, campaigns, and the money that is left."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, chart
from hutong.programmes import arithmetic, queries
from hutong.programmes import refusals as no
from hutong.programmes.model import Campaign, Earn, How, Partner, Parts, Policy, Programme


class Plan(Struct, frozen=True, kw_only=True):
    """What a purchase would give, and by which rules."""

    programme: Programme
    policy: Policy
    partner: Partner
    campaign: Campaign | None
    how: How
    parts: Parts
    own: int  # points that the partner pays for

    @property
    def cost(self) -> int:
        return self.own * self.programme.face_units


class Ground(Struct, kw_only=True):
    """All that decides a set of earns."""

    programmes: dict[UUID, Programme] = field(default_factory=dict)
    policies: dict[UUID, list[Policy]] = field(default_factory=dict)
    partners: dict[tuple[UUID, UUID], Partner] = field(default_factory=dict)
    campaigns: dict[UUID, list[Campaign]] = field(default_factory=dict)
    terms: dict[tuple[UUID, UUID], list[queries.Terms]] = field(default_factory=dict)  # of before, the oldest first
    left: dict[tuple[UUID, UUID], int] = field(default_factory=dict)  # money a partner can still give


async def of_programmes(tx: Tx, programme_ids: Iterable[UUID]) -> Ground:
    """Programmes with all versions of their rules; unknown ones are left out."""
    ids = sorted(set(programme_ids))
    rows = await tx.rows(f"{queries.PROGRAMMES} where p.programme_id = any(%(ids)s::uuid[])", ids=ids)
    ground = Ground(programmes={row["programme_id"]: queries.programme_of(row) for row in rows})
    ground.policies = await queries.policies(tx, ids)
    return ground


async def of_partners(tx: Tx, ground: Ground, partner_ids: Iterable[UUID]) -> None:
    """The partners with these ids in the programmes at hand."""
    rows = await tx.rows(
        f"""{queries.PARTNERS} where p.programme_id = any(%(ids)s::uuid[])
              and p.partner_id = any(%(partners)s::uuid[])""",
        ids=sorted(ground.programmes), partners=sorted(set(partner_ids)),
    )  # fmt: skip
    ground.partners = {(row["programme_id"], row["partner_id"]): queries.partner_row(row) for row in rows}


async def read_partners(tx: Tx, ground: Ground, wanted: Sequence[Earn], *, now: datetime) -> None:
    """Campaigns that may fit, the partners, what their terms were when it was bought, and their money: under the
    programme's lock nobody else spends it."""
    ids = sorted(ground.programmes)
    since, until = min((one.at for one in wanted), default=None), max((one.at for one in wanted), default=None)
    campaigns = await tx.rows(
        f"""{queries.CAMPAIGNS} where c.programme_id = any(%(ids)s::uuid[]) and c.since <= %(until)s
            and c.until > %(since)s order by c.programme_id, c.campaign_id""",
        ids=ids, since=since, until=until,
    )  # fmt: skip
    for row in campaigns:
        ground.campaigns.setdefault(row["programme_id"], []).append(queries.campaign_of(row))
    await of_partners(tx, ground, [one.partner_id for one in wanted])
    ground.terms = await _terms_before(tx, ground, wanted, now=now)
    ground.left = await money_left(tx, ground.partners)


async def _terms_before(
    tx: Tx, ground: Ground, wanted: Sequence[Earn], *, now: datetime
) -> dict[tuple[UUID, UUID], list[queries.Terms]]:
    """The terms that partners had, for purchases of before now. Nothing is asked about who never changed his."""
    late = {(one.programme_id, one.partner_id) for one in wanted if one.at < now}
    changed = [key for key in late if key in ground.partners and ground.partners[key].version > 1]
    return await queries.terms(tx, changed) if changed else {}


async def money_left(tx: Tx, partners: dict[tuple[UUID, UUID], Partner]) -> dict[tuple[UUID, UUID], int]:
    """What each partner can still give: the rest of his blocks, or of his limit. Both accounts are read."""
    if not partners:
        return {}
    paths = {}
    for key, partner in partners.items():
        account = chart.funding if partner.mode == "prepaid" else chart.receivable
        paths[account(partner.partner_id).path] = key
    left = {key: 0 if one.mode == "prepaid" else one.limit_units for key, one in partners.items()}
    books = [Book.programme(programme_id) for programme_id in {key[0] for key in partners}]
    for balance in await ledger.balances_of(tx, books, paths=sorted(paths)):
        programme_id, partner_id = paths[balance.path]
        if balance.book == Book.programme(programme_id):
            owes = partners[programme_id, partner_id].mode == "postpaid"
            left[programme_id, partner_id] += -balance.posted.units if owes else balance.available.units
    return left


def _as_then(ground: Ground, request: Earn) -> Partner | None:
    """The partner as he stands, with his own rate of when it was bought: that is what his guest was told. Whether he
    gives points at all, and out of which money, is asked now, when they are given."""
    key = (request.programme_id, request.partner_id)
    partner, terms = ground.partners.get(key), ground.terms.get(key)
    if partner is None or not terms:
        return partner
    then = max((one for one in terms if one.at <= request.at), key=lambda one: one.version, default=terms[0])
    return replace(partner, rate=then.rate, redemption_bps=then.redemption_bps, version=then.version)


def plan(ground: Ground, request: Earn, growth: int, units: int) -> Plan | Refusal:
    """What the rules say about a purchase, of which `units` count. Pure."""
    programme = ground.programmes[request.programme_id]
    policy = arithmetic.policy_at(ground.policies[request.programme_id], request.at)
    partner = _as_then(ground, request)
    if programme.state != "live" or policy is None:
        return no.ProgrammeClosed()
    if partner is None or partner.state == "left" or not partner.accrues:
        return no.NotAPartner()
    if partner.state == "paused":
        return no.PartnerPaused()
    if request.amount.asset != programme.currency or request.amount.units < 0:
        return no.AmountCurrency(currency=programme.currency)
    campaign = arithmetic.best_campaign(
        ground.campaigns.get(request.programme_id, ()), partner_id=request.partner_id, category=request.category,
        at=request.at,
    )  # fmt: skip
    how = arithmetic.how_of(policy, partner, category=request.category, growth=growth, campaign=campaign)
    budget = None
    if campaign is not None and campaign.budget_points is not None:
        budget = campaign.budget_points - campaign.used_points
    given = arithmetic.parts(units, how, left=budget)
    own = given.points - (given.campaign if how.payer == "programme" else 0)
    return Plan(programme=programme, policy=policy, partner=partner, campaign=campaign, how=how, parts=given, own=own)
