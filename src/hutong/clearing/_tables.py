"""Tables of clearing: closed periods in a chain, what each party had in them line by line, and disputed lines.

All are keyed by the programme. Periods cannot overlap or leave a gap: each run names the one before and begins where
that one ended, by a foreign key. A line belongs to one run for ever: its transfer is the key.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
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
from sqlalchemy.dialects.postgresql import UUID

from hutong.clearing.model import KINDS
from hutong.infra.tables import other_table

_KINDS = ", ".join(f"'{kind}'" for kind in KINDS)
_VIAS = "'due', 'postpaid', 'prepaid', 'escrow', 'programme', 'dispute'"


def _key(name: str = "programme_id") -> Column[Any]:
    return Column(name, UUID, primary_key=True)


def _of_kind() -> list[CheckConstraint]:
    return [
        CheckConstraint(f"kind in ({_KINDS})", name="kind"),
        CheckConstraint(f"via in ({_VIAS})", name="via"),
        # Only disputes are settled by way of disputes, and only the programme has what is the programme's.
        CheckConstraint("(via = 'dispute') = (kind = 'released' or (kind = 'correction' and party_id <> programme_id))",
                        name="dispute"),
        CheckConstraint("(via = 'programme') = (party_id = programme_id)", name="own"),
    ]  # fmt: skip


heads = other_table(  # the lock of a programme's clearing: who closes holds it
    "clearing.heads",
    _key(),
    Column("number", Integer, nullable=False),
    Column("until", DateTime(timezone=True)),
    CheckConstraint("(number = 0) = (until is null) and number >= 0", name="number"),
    ForeignKeyConstraint(
        ["programme_id", "number", "until"],
        ["clearing.runs.programme_id", "clearing.runs.number", "clearing.runs.until"],
    ),
)

runs = other_table(
    "clearing.runs",
    _key(),
    _key("run_id"),
    Column("number", Integer, nullable=False),
    Column("previous", Integer),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("zone", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("face_units", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("reserve_units", BigInteger, nullable=False),
    Column("partners_units", BigInteger, nullable=False),
    Column("programme_units", BigInteger, nullable=False),
    Column("partners_net", BigInteger, nullable=False),
    Column("programme_net", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("closed_at", DateTime(timezone=True), nullable=False),
    Column("posted_at", DateTime(timezone=True)),
    UniqueConstraint("programme_id", "number"),
    UniqueConstraint("programme_id", "number", "until", name="runs_end_key"),
    ForeignKeyConstraint(
        ["programme_id", "previous", "since"],
        ["clearing.runs.programme_id", "clearing.runs.number", "clearing.runs.until"],
        name="runs_follows_fkey",
    ),
    CheckConstraint("number >= 1 and coalesce(previous, 0) = number - 1 and (previous is null) = (number = 1)",
                    name="chain"),
    CheckConstraint("since < until and until <= closed_at", name="period"),
    CheckConstraint("partners_units + programme_units = 0", name="zero"),
    CheckConstraint("partners_net + programme_net = 0", name="net_zero"),
    CheckConstraint("reserve_units >= 0 and face_units > 0 and entries >= 0", name="units"),
)  # fmt: skip

statements = other_table(
    "clearing.statements",
    _key(),
    _key("run_id"),
    _key("party_id"),  # a partner, or the programme itself
    Column("home_city", Integer),
    Column("mode", Text),
    Column("limit_units", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("net_units", BigInteger, nullable=False),
    Column("carried_units", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("posted_at", DateTime(timezone=True)),
    Column("payable_units", BigInteger),
    ForeignKeyConstraint(["programme_id", "run_id"], ["clearing.runs.programme_id", "clearing.runs.run_id"]),
    CheckConstraint("(party_id = programme_id) = (home_city is null) and (home_city is null) = (mode is null)",
                    name="party"),
    CheckConstraint("(posted_at is null) = (payable_units is null) or party_id = programme_id", name="posted"),
    CheckConstraint("carried_units <= 0", name="carried"),
    CheckConstraint("mode is null or mode in ('prepaid', 'postpaid')", name="mode"),
)  # fmt: skip
Index("statements_party_idx", statements.c.party_id, statements.c.programme_id, statements.c.run_id)
Index(
    "statements_unposted_idx", statements.c.programme_id, statements.c.run_id,
    postgresql_where=statements.c.posted_at.is_(None),
)  # fmt: skip

_PART = ("programme_id", "run_id", "party_id", "kind", "via")
parts = other_table(
    "clearing.parts",
    _key(),
    _key("run_id"),
    _key("party_id"),
    Column("kind", Text, primary_key=True),
    Column("via", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    ForeignKeyConstraint(list(_PART[:3]), [f"clearing.statements.{name}" for name in _PART[:3]]),
    *_of_kind(),
    CheckConstraint("count >= 0", name="count"),
)

entries = other_table(
    "clearing.entries",
    _key(),
    _key("transfer_id"),
    Column("run_id", UUID, nullable=False),
    Column("party_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("movement_id", UUID, nullable=False),
    Column("city_id", Integer),
    Column("store_id", UUID),
    Column("rule", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(list(_PART), [f"clearing.parts.{name}" for name in _PART]),
    *_of_kind(),
    CheckConstraint("units <> 0 and points >= 0", name="units"),
)
Index("entries_statement_idx", *(entries.c[n] for n in ("programme_id", "run_id", "party_id", "at", "transfer_id")))

disputes = other_table(
    "clearing.disputes",
    _key(),
    _key("dispute_id"),
    Column("transfer_id", UUID, nullable=False),
    Column("run_id", UUID, nullable=False),
    Column("party_id", UUID, nullable=False),
    Column("home_city", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("held_units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_by", UUID, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("correct_units", BigInteger),
    Column("note", Text),
    Column("decided_by", UUID),
    Column("decided_at", DateTime(timezone=True)),
    Column("settled_run", UUID),
    UniqueConstraint("programme_id", "transfer_id"),
    ForeignKeyConstraint(
        ["programme_id", "transfer_id"], ["clearing.entries.programme_id", "clearing.entries.transfer_id"]
    ),
    ForeignKeyConstraint(["programme_id", "settled_run"], ["clearing.runs.programme_id", "clearing.runs.run_id"]),
    CheckConstraint("state in ('open', 'upheld', 'corrected')", name="state"),
    CheckConstraint("(state = 'corrected') = (correct_units is not null)", name="correct"),
    CheckConstraint(
        "(state = 'open') = (decided_at is null) and (decided_at is null) = (decided_by is null)"
        " and (decided_at is null) = (note is null)",
        name="decided",
    ),
    CheckConstraint("settled_run is null or state <> 'open'", name="settled"),
    CheckConstraint("held_units = units or held_units = 0", name="held"),
)
Index("disputes_party_idx", disputes.c.party_id, disputes.c.programme_id, disputes.c.opened_at)
Index("disputes_unsettled_idx", disputes.c.programme_id, disputes.c.decided_at,
      postgresql_where=disputes.c.settled_run.is_(None))  # fmt: skip
