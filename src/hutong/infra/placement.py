"""Where each table lives when the house grows past one machine: one dict, read by migrations and checks.

reference   small, seldom written, on every node
city        sharded by city_id, which is the first column of every key
member      sharded by member_id
key:<col>   sharded by that column (a value that must be globally unique)
local       on the coordinator only
"""

PLACEMENT: dict[str, str] = {
    # infra
    "infra.facts": "city",
    "infra.handled": "city",
    "infra.failures": "city",
    "infra.answers": "city",
    "infra.periodics": "local",
    "infra.limits": "key:bucket",
    # places
    "places.cities": "reference",
    "places.districts": "reference",
    # people
    "people.phones": "key:phone",
    "people.codes": "key:phone",
    "people.members": "member",
    "people.sessions": "key:token_hash",
    "people.grants": "reference",
    "people.keys": "key:key_id",
    "people.credentials": "key:credential_id",
    "people.challenges": "key:challenge",
    "people.consents": "member",
    "people.phone_changes": "member",
    "people.departures": "member",
    "people.exports": "member",
    # merchants
    "merchants.merchants": "reference",
    "merchants.presence": "reference",
    "merchants.stores": "city",
    "merchants.store_exceptions": "city",
    "merchants.store_photos": "city",
    "merchants.invitations": "city",
    "merchants.devices": "city",
    "merchants.offline_limits": "city",
    "merchants.changes": "city",
    # messages
    "messages.sent": "key:recipient",
    "messages.inbox": "member",
    "messages.marks": "city",
    # inventory
    "inventory.quotas": "city",
    "inventory.holds": "city",
    "inventory.wants": "city",
    "inventory.returns": "city",
    # vouchers
    "vouchers.vouchers": "city",
    "vouchers.redemptions": "city",
    "vouchers.reversals": "city",
    "vouchers.changes": "city",
    "vouchers.scans": "city",
    "vouchers.capsules": "city",
    "vouchers.allowances": "city",
    "vouchers.offline_scans": "city",
    "vouchers.conflicts": "city",
    "vouchers.forks": "city",
    "vouchers.device_logs": "city",
    # catalog
    "catalog.categories": "reference",
    "catalog.offers": "city",
    "catalog.offer_stores": "city",
    "catalog.offer_changes": "city",
    "catalog.offer_prices": "city",
    "catalog.storefronts": "city",
    "catalog.listings": "city",
    "catalog.search_docs": "city",
    "catalog.searches": "city",
    # ledger
    "ledger.city_accounts": "city",
    "ledger.city_transfers": "city",
    "ledger.city_reserves": "city",
    "ledger.book_accounts": "key:book_id",
    "ledger.book_transfers": "key:book_id",
    "ledger.book_reserves": "key:book_id",
    # payments
    "payments.payments": "city",
    "payments.refunds": "city",
    "payments.events": "city",
    "payments.changes": "city",
    # orders
    "orders.orders": "city",
    "orders.lines": "city",
    "orders.changes": "city",
    "orders.refunds": "city",
    "orders.bought": "city",
    "orders.notes": "city",
    "orders.tippings": "city",
    # settlement
    "settlement.rules": "reference",
    "settlement.earnings": "city",
    "settlement.payouts": "city",
    "settlement.bills": "city",
    # reviews
    "reviews.reviews": "city",
    "reviews.versions": "city",
    "reviews.replies": "city",
    "reviews.changes": "city",
    "reviews.reports": "city",
    "reviews.appeals": "city",
    "reviews.ratings": "city",
}
