"""The audit of one package, for tests whose world holds nothing else: a voucher that no order ever bought."""

from hutong.infra.audit import audit, queries
from hutong.infra.db import Database


def codes(package: str) -> set[str]:
    """The invariants that a package states."""
    return {query.code for query in queries() if query.package == package}


async def sound(db: Database, package: str) -> bool:
    """True when no invariant of the package is broken; shows the broken ones otherwise."""
    async with db.snapshot() as tx:
        broken = [violation for code in sorted(codes(package)) for violation in await audit(tx, only=code)]
    assert not broken, broken
    return True
