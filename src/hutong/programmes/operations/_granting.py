"""How points that are given get into a wallet and into the books: the money first."""

from datetime import datetime
from uuid import UUID

from hutong.kit.ids import derive
from hutong.ledger import chart
from hutong.programmes import arithmetic
from hutong.programmes._desk import Desk
from hutong.programmes._ground import Plan
from hutong.programmes._rows import LotRow, MoveRow
from hutong.programmes.model import Earn


def enter(desk: Desk, planned: Plan, request: Earn, matures: datetime, expires: datetime) -> MoveRow:
    """The movement, its lots and what the books say."""
    parts, partner, face = planned.parts, planned.partner, planned.programme.face_units
    move = MoveRow(
        programme_id=request.programme_id, movement_id=request.movement_id, kind="earn", member_id=request.member_id,
        partner_id=request.partner_id, funder_id=request.partner_id, mode=partner.mode, city_id=request.city_id,
        store_id=request.store_id, staff_id=request.staff_id, source_kind=request.source.kind,
        source_ref=request.source.ref, points=parts.points, base=parts.base, bonus=parts.bonus,
        campaign=parts.campaign, units=parts.points * face, funded_units=planned.cost,
        amount_units=request.amount.units, category=request.category, how=planned.how,
        rule=arithmetic.rule_of(planned.policy, partner), at=desk.now, bought_at=request.at,
    )  # fmt: skip
    desk.add_move(move)
    desk.wallet(request.member_id, request.programme_id).growth += parts.base
    gift = parts.points - planned.own
    for fund, points, lot_id in (
        (partner.mode, planned.own, move.movement_id), ("campaign", gift, derive(move.movement_id, "campaign")),
    ):  # fmt: skip
        if points:
            desk.add_lot(_lot(planned, move, fund, points, lot_id, matures, expires))
    if parts.points:
        lot_account = chart.funding if partner.mode == "prepaid" else chart.receivable
        paid = desk.money(move, "money", lot_account(partner.partner_id), chart.reserve(), planned.cost)
        gifted = None
        if gift and planned.campaign is not None:
            account = chart.campaign(planned.campaign.campaign_id)
            gifted = desk.money(move, "campaign", account, chart.reserve(), gift * face)
        pending = chart.points_pending(move.programme_id)
        desk.post(
            paid, gifted, *desk.points(move, "points", pending, chart.issued(), parts.points, to_member=True)
        )  # fmt: skip
    return move


def _lot(
    planned: Plan, move: MoveRow, fund: str, points: int, lot_id: UUID, matures: datetime, expires: datetime
) -> LotRow:
    own = fund != "campaign"
    return LotRow(
        member_id=move.member_id, lot_id=lot_id, programme_id=move.programme_id, movement_id=move.movement_id,
        partner_id=planned.partner.partner_id, fund=fund, source_kind=move.source_kind, source_ref=move.source_ref,
        campaign_id=None if own or planned.campaign is None else planned.campaign.campaign_id, points=points,
        rest=points, rule=move.rule, expiry_to=planned.policy.expiry_to if own else "programme",
        earned_at=move.bought_at or move.at, matures_at=matures, expires_at=expires,
    )  # fmt: skip
