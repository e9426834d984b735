"""Tables of programmes: rules and partners, the movements of points, and wallets with their lots, draws and debts."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import other_table

TWO_LANGUAGES = "name ? 'zh' and name ? 'en'"
MOVES = "'earn', 'burn', 'unburn', 'claw_back', 'debt_paid', 'expire', 'send', 'receive'"
FUNDS = "fund in ('prepaid', 'postpaid', 'campaign')"

programmes = other_table(
    "programmes.programmes",
    Column("programme_id", UUID, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("face_units", BigInteger, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("zone", Text, nullable=False),
    Column("cities", ARRAY(Integer), nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", UUID),
    CheckConstraint("face_units > 0 and asset <> currency", name="face"),
    CheckConstraint("state in ('draft', 'live', 'closed')", name="state"),
    CheckConstraint(TWO_LANGUAGES, name="name"),
)

policies = other_table(
    "programmes.policies",
    Column("programme_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("rules", JSONB, nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("programme_id", "valid_from"),
    ForeignKeyConstraint(["programme_id"], ["programmes.programmes.programme_id"]),
    CheckConstraint("version > 0", name="version"),
)

partners = other_table(
    "programmes.partners",
    Column("programme_id", UUID, primary_key=True),
    Column("partner_id", UUID, primary_key=True),
    Column("name", JSONB, nullable=False),
    Column("home_city", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("accrues", Boolean, nullable=False),
    Column("redeems", Boolean, nullable=False),
    Column("rate", JSONB),
    Column("redemption_bps", Integer),
    Column("limit_units", BigInteger, nullable=False),
    Column("alert_units", BigInteger, nullable=False),
    Column("charity", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("joined_at", DateTime(timezone=True), nullable=False),
    Column("left_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["programme_id"], ["programmes.programmes.programme_id"]),
    CheckConstraint("mode in ('prepaid', 'postpaid')", name="mode"),
    CheckConstraint("state in ('active', 'paused', 'left')", name="state"),
    CheckConstraint("(left_at is null) = (state <> 'left')", name="left"),
    CheckConstraint("redemption_bps between 0 and 10000", name="redemption"),
    CheckConstraint("limit_units >= 0 and alert_units >= 0", name="units"),
    CheckConstraint(TWO_LANGUAGES, name="name"),
)
# A merchant is in one programme at a time.
Index("partners_live_key", partners.c.partner_id, unique=True, postgresql_where=partners.c.state != "left")

partner_changes = other_table(
    "programmes.partner_changes",
    Column("programme_id", UUID, primary_key=True),
    Column("partner_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by", UUID),
    Column("reason", Text, nullable=False),
    Column("after", JSONB, nullable=False),
)

campaigns = other_table(
    "programmes.campaigns",
    Column("programme_id", UUID, primary_key=True),
    Column("campaign_id", UUID, primary_key=True),
    Column("name", JSONB, nullable=False),
    Column("earn_bps", Integer, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("partners", ARRAY(UUID), nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("payer", Text, nullable=False),
    Column("budget_points", BigInteger),
    Column("used_points", BigInteger, nullable=False),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("earn_bps > 10000 and since < until", name="form"),
    CheckConstraint("used_points >= 0 and used_points <= coalesce(budget_points, used_points)", name="budget"),
    CheckConstraint("payer = 'partner' or (payer = 'programme' and budget_points is not null)", name="payer"),
    CheckConstraint(TWO_LANGUAGES, name="name"),
)

blocks = other_table(
    "programmes.blocks",
    Column("programme_id", UUID, primary_key=True),
    Column("block_id", UUID, primary_key=True),
    Column("partner_id", UUID),  # null: the programme's own purse
    Column("city_id", Integer, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("debit_path", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("units > 0", name="units"),
)
Index("blocks_partner_idx", blocks.c.programme_id, blocks.c.partner_id, blocks.c.at)

movements = other_table(
    "programmes.movements",
    Column("programme_id", UUID, primary_key=True),
    Column("movement_id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("partner_id", UUID),
    Column("funder_id", UUID),
    Column("mode", Text),
    Column("city_id", Integer),
    Column("store_id", UUID),
    Column("staff_id", UUID),
    Column("source_kind", Text, nullable=False),
    Column("source_ref", UUID, nullable=False),
    Column("parent_id", UUID),
    Column("points", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
    Column("campaign", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),  # face that moved into or out of the reserve
    Column("worth_units", BigInteger, nullable=False),
    Column("funded_units", BigInteger, nullable=False),
    Column("amount_units", BigInteger),
    Column("target", Text),
    Column("category", Text),
    Column("how", JSONB),
    Column("pending_part", BigInteger, nullable=False),  # of a claw-back: where it came from
    Column("available_part", BigInteger, nullable=False),
    Column("debt_part", BigInteger, nullable=False),
    Column("undone", BigInteger, nullable=False),
    Column("worth_back", BigInteger, nullable=False),
    Column("base_back", BigInteger, nullable=False),
    Column("bonus_back", BigInteger, nullable=False),
    Column("campaign_back", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("until", DateTime(timezone=True)),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("bought_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint(f"kind in ({MOVES})", name="kind"),
    CheckConstraint("state = 'done' or (kind = 'burn' and state in ('held', 'released'))", name="state"),
    CheckConstraint("points >= 0 and undone between 0 and points", name="points"),
    CheckConstraint("units >= 0 and least(worth_units, funded_units) >= 0", name="units"),
    CheckConstraint("greatest(worth_units, funded_units) <= units", name="backed"),
    CheckConstraint("worth_back between 0 and worth_units", name="worth_back"),
    CheckConstraint("kind not in ('earn', 'claw_back') or points = base + bonus + campaign", name="parts"),
    CheckConstraint("kind <> 'claw_back' or points = pending_part + available_part + debt_part", name="claw"),
    CheckConstraint("kind <> 'earn' or undone = base_back + bonus_back + campaign_back", name="back"),
    CheckConstraint("kind = 'earn' or base_back + bonus_back + campaign_back = 0", name="only_earns_go_back"),
    CheckConstraint("base_back <= base and bonus_back <= bonus and campaign_back <= campaign", name="parts_back"),
    CheckConstraint("target in ('due', 'escrow')", name="target"),
    CheckConstraint("mode in ('prepaid', 'postpaid')", name="mode"),
)
# One purchase earns once, for ever.
Index(
    "movements_earn_key", movements.c.programme_id, movements.c.source_kind, movements.c.source_ref, unique=True,
    postgresql_where=movements.c.kind == "earn",
)  # fmt: skip
Index("movements_source_idx", movements.c.programme_id, movements.c.source_ref)
_order = (movements.c.at, movements.c.movement_id)
Index("movements_partner_idx", movements.c.programme_id, movements.c.partner_id, *_order)
Index("movements_at_idx", movements.c.programme_id, *_order)
Index("movements_member_idx", movements.c.programme_id, movements.c.member_id, *_order)
Index("movements_parent_idx", movements.c.programme_id, movements.c.parent_id)
Index("movements_held_idx", movements.c.programme_id, movements.c.until, postgresql_where=movements.c.state == "held")

# Purchases without points, and purchases that were undone before they earned.
missed = other_table(
    "programmes.missed",
    Column("programme_id", UUID, primary_key=True),
    Column("source_kind", Text, primary_key=True),
    Column("source_ref", UUID, primary_key=True),
    Column("movement_id", UUID),
    Column("member_id", UUID, nullable=False),
    Column("partner_id", UUID),
    Column("city_id", Integer),
    Column("store_id", UUID),
    Column("staff_id", UUID),
    Column("category", Text),
    Column("amount_units", BigInteger, nullable=False),  # what is left of the purchase
    Column("points", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("which", Text, nullable=False),
    Column("bought_at", DateTime(timezone=True)),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("granted_at", DateTime(timezone=True)),
    UniqueConstraint("programme_id", "movement_id"),
    CheckConstraint("why in ('funding_exhausted', 'earn_cap', 'undone')", name="why"),
    CheckConstraint("(why = 'undone') = (movement_id is null)", name="undone"),
    CheckConstraint("amount_units >= 0 and points >= 0", name="amounts"),
)
Index("missed_source_idx", missed.c.programme_id, missed.c.source_ref)
Index("missed_partner_idx", missed.c.programme_id, missed.c.partner_id, missed.c.at)

# What was done on one day, for the caps: by a member, by a member at a partner, by a cashier.
counters = other_table(
    "programmes.counters",
    Column("programme_id", UUID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("times", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    CheckConstraint("times >= 0 and points >= 0", name="counts"),
)

# A wallet. Whoever moves its points locks this row first.
members = other_table(
    "programmes.members",
    Column("member_id", UUID, primary_key=True),
    Column("programme_id", UUID, primary_key=True),
    Column("pending", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    Column("growth", BigInteger, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("pending >= 0 and available >= 0 and held >= 0 and debt >= 0 and growth >= 0", name="counts"),
    CheckConstraint("debt = 0 or available = 0", name="debt_first"),
)

lots = other_table(
    "programmes.lots",
    Column("member_id", UUID, primary_key=True),
    Column("lot_id", UUID, primary_key=True),
    Column("programme_id", UUID, nullable=False),
    Column("movement_id", UUID, nullable=False),  # the earn, or what a friend sent
    Column("partner_id", UUID, nullable=False),  # where the points were first earned
    Column("fund", Text, nullable=False),  # whose money is behind them: the partner's or a campaign's
    Column("campaign_id", UUID),
    Column("source_kind", Text, nullable=False),
    Column("source_ref", UUID, nullable=False),
    Column("state", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("rest", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("expiry_to", Text, nullable=False),
    Column("earned_at", DateTime(timezone=True), nullable=False),
    Column("matures_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["member_id", "programme_id"], ["programmes.members.member_id", "programmes.members.programme_id"]
    ),
    CheckConstraint("points > 0 and rest between 0 and points", name="left"),
    CheckConstraint("state in ('pending', 'available')", name="state"),
    CheckConstraint(f"{FUNDS} and (fund = 'campaign') = (campaign_id is not null)", name="fund"),
    CheckConstraint("expiry_to in ('programme', 'partner')", name="expiry_to"),
    CheckConstraint("matures_at < expires_at", name="life"),
)
Index("lots_wallet_idx", lots.c.member_id, lots.c.programme_id, lots.c.expires_at, postgresql_where=lots.c.rest > 0)
Index("lots_movement_idx", lots.c.member_id, lots.c.movement_id)
Index("lots_pending_idx", lots.c.programme_id, lots.c.matures_at, postgresql_where=lots.c.state == "pending")
Index(
    "lots_expiry_idx", lots.c.programme_id, lots.c.expires_at,
    postgresql_where=(lots.c.state == "available") & (lots.c.rest > 0),
)  # fmt: skip

draws = other_table(
    "programmes.draws",
    Column("member_id", UUID, primary_key=True),
    Column("lot_id", UUID, primary_key=True),
    Column("movement_id", UUID, primary_key=True),
    Column("programme_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("back", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["member_id", "lot_id"], ["programmes.lots.member_id", "programmes.lots.lot_id"]),
    CheckConstraint("points > 0 and back between 0 and points and (back = 0 or kind = 'burn')", name="points"),
    CheckConstraint("kind in ('burn', 'claw_back', 'debt_paid', 'expire', 'send')", name="kind"),
)
Index("draws_movement_idx", draws.c.member_id, draws.c.movement_id)

# Points that were clawed back when they had been spent: the next ones that mature pay them.
debts = other_table(
    "programmes.debts",
    Column("member_id", UUID, primary_key=True),
    Column("debt_id", UUID, primary_key=True),
    Column("programme_id", UUID, nullable=False),
    Column("movement_id", UUID, nullable=False),  # the claw-back
    Column("partner_id", UUID, nullable=False),
    Column("fund", Text, nullable=False),  # who waits for the money
    Column("campaign_id", UUID),
    Column("points", BigInteger, nullable=False),
    Column("rest", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["member_id", "programme_id"], ["programmes.members.member_id", "programmes.members.programme_id"]
    ),
    CheckConstraint("points > 0 and rest between 0 and points", name="left"),
    CheckConstraint(f"{FUNDS} and (fund = 'campaign') = (campaign_id is not null)", name="fund"),
)
Index("debts_open_idx", debts.c.member_id, debts.c.programme_id, postgresql_where=debts.c.rest > 0)
