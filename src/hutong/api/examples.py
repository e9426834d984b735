"""Bodies as one would send them, for the description of the API. A test reads each as its operation does."""

from typing import Any
from uuid import UUID

from hutong.kit.ids import MERCHANT, OFFER, ORDER, PROGRAMME, STORE, VOUCHER

THING = UUID("0198c0de-0000-7000-8000-000000000001")
STORE_ID, OFFER_ID, ORDER_ID = STORE.show(THING, 1), OFFER.show(THING, 1), ORDER.show(THING, 1)
VOUCHER_ID, PROGRAMME_ID, CHARITY_ID = VOUCHER.show(THING, 1), PROGRAMME.show(THING), MERCHANT.show(THING)
PHONE, CODE = "19900000001", "971731117437"


def _yuan(fen: int) -> dict[str, Any]:
    return {"units": fen, "asset": "CNY"}


LINES = [{"offer": OFFER_ID, "quantity": 2}]
TENDERS = [{"kind": "card", "id": VOUCHER_ID}, {"kind": "points", "id": PROGRAMME_ID, "most": 300}]
CAMPAIGN = {
    "name": {"zh": "满50减10", "en": "10 off from 50"},
    "benefit": {"kind": "amount", "units": 1_000},
    "conditions": [{"kind": "min_spend", "units": 5_000}],
    "starts_at": "2026-12-01T00:00:00+08:00", "ends_at": "2027-01-01T00:00:00+08:00",
    "budgets": [{"per": "all", "units": 100_000}, {"per": "member", "uses": 1}],
    "coupon": {"total": 500, "valid_days": 14},
}  # fmt: skip

BODIES: dict[str, dict[str, Any]] = {
    "POST /auth/codes": {"phone": PHONE},
    "POST /auth/sessions": {"phone": PHONE, "code": "692164"},
    "POST /quotes": {"lines": LINES, "tenders": []},
    "POST /orders": {"lines": LINES, "expect": _yuan(13_600), "coupons": [VOUCHER_ID], "tenders": TENDERS},
    "POST /orders/{order}/refunds": {"vouchers": [VOUCHER_ID], "reason": "changed_mind"},
    "POST /coupons/codes": {"city": 1, "code": "SPRING2026NOODLE"},
    "POST /merchants/{merchant}/campaigns": CAMPAIGN,
    "POST /merchants/{merchant}/campaigns/simulation": CAMPAIGN,
    "POST /campaigns/{campaign}/steps": {"what": "pause", "reason": "too many guests"},
    "POST /clearings/{run}/{merchant}/disputes": {"line": str(THING), "reason": "This bill was undone at the counter."},
    "POST /redemptions/preparations": {"store": STORE_ID, "presented": CODE},
    "POST /redemptions": {"store": STORE_ID, "presented": CODE, "count": 1},
    "POST /redemptions/{redemption}/reversal": {"store": STORE_ID, "reason": "wrong table"},
    "POST /merchants/{merchant}/keys": {
        "label": "till 1", "permissions": ["vouchers:prepare", "vouchers:redeem"], "store": STORE_ID,
    },
    "POST /vouchers/{voucher}/gift": {"note": "Have a bowl on me.", "days": 3},
    "POST /mall/{gift}/exchanges": {
        "units": 1, "way": "delivery", "address": {"name": "Ann", "phone": PHONE, "line": "8 Lantern Lane, Qinghe"},
    },
    "POST /merchants/{merchant}/parcels/sent": {
        "store": STORE_ID, "parcels": [{"order": ORDER_ID, "carrier": "SF", "number": "SF1234567890"}],
    },
    "POST /merchants/{merchant}/parcels/delivered": {"city": 1, "orders": [ORDER_ID]},
    "POST /points/{programme}/sends": {"city": 1, "phone": "19900000002", "name": "Bo", "points": 120},
    "POST /points/{programme}/donations": {"city": 1, "charity": CHARITY_ID, "points": 80},
    "PUT /offers/{offer}/plan": {"cost_units": 3_200, "expected_bps": 2_500},
    "POST /bills": {
        "store": STORE_ID, "event": "till1/2026/000419", "amount": _yuan(8_850), "member": PHONE, "codes": [CODE],
    },
    "POST /bills/voids": {"store": STORE_ID, "event": "till1/2026/000419", "reason": "wrong table"},
    "POST /bills/uploads": {
        "store": STORE_ID,
        "events": [
            {"event": "till1/2026/000420", "amount": _yuan(4_200), "member": PHONE, "at": "2026-11-22T12:31:00+08:00"},
            {"event": "till1/2026/000418", "kind": "void"},
        ],
    },
    "POST /bills/{bill}/cash": {"store": STORE_ID},
    "POST /bills/{bill}/payments": {"store": STORE_ID},
    "POST /waiting": {"offers": [OFFER_ID], "units": 2, "first": "2026-12-24", "last": "2026-12-26"},
    "POST /waiting/{entry}/orders": {"way": "alone", "expect": _yuan(13_600)},
}  # fmt: skip
