"""What the generated description of the API cannot know by itself: who may ask, what is refused, how a "no" looks."""

import inspect
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from litestar import Litestar, Request
from litestar.openapi.plugins import JsonRenderPlugin
from msgspec import Struct

from hutong.api.examples import BODIES
from hutong.api.glue import PROBLEM, with_token
from hutong.kit.refusals import Refusal

V1 = "/api/v1"
EVERYBODY, ANYBODY, MEMBER = "everybody", "a member, or a till's key", "a member, about what is his own"
SELLS = (
    "offer_not_found not_on_sale sale_not_started sale_over too_many_per_order nothing_ordered mixed_order group_alone "
    "scheme_unknown deal_over card_over choose_team not_sold_alone no_such_way slot_not_open slots_over"
)
PAYS = (
    "voucher_not_found not_a_coupon coupon_twice coupon_elsewhere voucher_in_checkout budget_exhausted promotion_limit "
    "no_tender_here not_a_tender card_elsewhere card_empty points_idle points_short points_pending price_changed "
    "over_member_cap sold_out team_full team_over already_in_team bargain_over"
)
LOOKS = (
    "too_many_guesses unknown_code stale_qr qr_already_used voucher_void voucher_refunded voucher_refunding "
    "waiting_for_buyers already_used wrong_store not_yet_valid expired blackout outside_hours day_full hour_full "
    "card_blocked card_not_active card_not_found card_replaced card_void"
)
UNDOES = (
    "not_redeemed_here already_reversed undo_window_over too_many_cycles voucher_refunding voucher_refunded "
    "voucher_void expired bill_undone bill_undo_over reward_used"
)
BILLS = (
    "key_reused bill_void bill_time no_amount no_commission_rule points_need_code points_offline points_not_here "
    "nothing_shown several_guests not_for_bills member_code_old member_code_unknown member_code_used balance_too_low "
    "points_short nothing_to_collect no_provider bad_phone"
)
CLAIMS = (
    "coupon_code_unknown coupon_code_used coupon_needs_code coupon_over coupon_pool_empty budget_exhausted "
    "promotion_paused promotion_not_begun promotion_over over_member_cap sold_out not_allowed"
)


class Says(Struct, frozen=True):
    """Who may ask for an operation, and the codes of its own refusals, apart by spaces."""

    who: str
    refusals: str = ""


OPERATIONS: dict[str, Says] = {
    "POST /auth/codes": Says(EVERYBODY, "bad_phone too_many_tries"),
    "POST /auth/sessions": Says(EVERYBODY, "code_wrong code_dead member_frozen too_many_tries"),
    "GET /auth/sessions/current": Says(ANYBODY),
    "DELETE /auth/sessions/current": Says(ANYBODY),
    "GET /cities": Says(EVERYBODY),
    "GET /cities/{slug}": Says(EVERYBODY, "not_found"),
    "GET /stores": Says(EVERYBODY),
    "GET /stores/{store}": Says(EVERYBODY, "not_found"),
    "GET /offers": Says(EVERYBODY),
    "GET /offers/{offer}": Says(EVERYBODY, "not_found"),
    "POST /quotes": Says(EVERYBODY, SELLS),
    "GET /orders": Says(MEMBER, "not_allowed"),
    "POST /orders": Says(MEMBER, f"not_allowed no_provider {SELLS} {PAYS}"),
    "GET /orders/{order}": Says(MEMBER, "order_not_found not_allowed"),
    "POST /orders/{order}/payments": Says(
        MEMBER, "order_not_found order_closed order_paid no_provider provider_silent not_allowed"
    ),
    "POST /orders/{order}/cancellation": Says(MEMBER, "order_not_found order_closed order_paid not_allowed"),
    "POST /orders/{order}/refunds": Says(
        MEMBER,
        "order_not_found order_closed nothing_to_refund refund_forbidden voucher_given_away voucher_on_its_way "
        "voucher_in_checkout offline_store_silent not_allowed",
    ),
    "GET /vouchers": Says(MEMBER, "not_allowed"),
    "GET /vouchers/{voucher}": Says(MEMBER, "not_found not_allowed"),
    "GET /coupons": Says(EVERYBODY),
    "POST /coupons/{coupon}/claims": Says(MEMBER, CLAIMS),
    "POST /coupons/codes": Says(MEMBER, f"too_many_tries {CLAIMS}"),
    "GET /merchants/{merchant}/campaigns": Says("offers:view at the merchant; others see an empty list"),
    "POST /merchants/{merchant}/campaigns": Says(
        "offers:edit at the merchant; offers:review for other payers than the merchant",
        "not_allowed promotion_not_found promotion_unsound promotion_stands expression_refused budget_too_low "
        "promotion_changed unknown_city",
    ),
    "POST /merchants/{merchant}/campaigns/simulation": Says(
        "offers:edit at the merchant", "not_allowed promotion_unsound expression_refused unknown_city"
    ),
    "POST /campaigns/{campaign}/steps": Says(
        "offers:edit at the merchant; to pause, store:edit at one of its stores is enough",
        "promotion_not_found promotion_step promotion_over promotion_without_budget not_allowed",
    ),
    "GET /merchants/{merchant}/clearings": Says("statement:view of the whole merchant", "not_found"),
    "GET /clearings/{run}/{merchant}": Says("statement:view of the merchant or its home city", "clearing_not_found"),
    "GET /clearings/{run}/{merchant}/lines": Says(
        "statement:view of the merchant or its home city", "clearing_not_found"
    ),
    "POST /clearings/{run}/{merchant}/disputes": Says(
        "a person with statement:view at the partner; no key",
        "clearing_not_found clearing_line_not_found dispute_reason dispute_late disputed_already run_unposted "
        "not_allowed",
    ),
    "GET /programmes": Says("platform:run", "not_allowed"),
    "GET /programmes/{programme}": Says("platform:run", "not_found not_allowed"),
    "GET /programmes/{programme}/clearings": Says("platform:run", "not_found not_allowed"),
    "POST /programmes/{programme}/clearings": Says("platform:run", "not_found not_allowed"),
    "GET /programmes/{programme}/clearings/{run}": Says("platform:run", "not_found clearing_not_found not_allowed"),
    "POST /redemptions/preparations": Says("vouchers:prepare at the store", f"not_found {LOOKS}"),
    "GET /redemptions": Says("redemptions:view at the store", "not_found not_allowed"),
    "POST /redemptions": Says(
        "vouchers:redeem at the store",
        f"not_found {LOOKS} count_too_high places_left balance_too_low no_commission_rule",
    ),
    "POST /redemptions/{redemption}/reversal": Says("redemptions:reverse at the store", f"not_found {UNDOES}"),
    "GET /merchants/{merchant}/statements": Says("statement:view of the merchant", "not_found unknown_city"),
    "POST /merchants/{merchant}/keys": Says("keys:manage at the merchant", "not_found not_allowed"),
    "POST /merchants/{merchant}/keys/{key_id}/successor": Says("keys:manage at the merchant", "not_found"),
    "DELETE /merchants/{merchant}/keys/{key_id}": Says("keys:manage at the merchant", "not_found"),
    "GET /money/{number}": Says(
        "whoever has a part in it; statement:view of a merchant or city in it", "not_found not_allowed"
    ),
    "GET /vouchers/{voucher}/gift": Says(MEMBER, "not_found not_allowed"),
    "POST /vouchers/{voucher}/gift": Says(
        MEMBER,
        "voucher_not_found not_giftable gift_given_on voucher_on_its_way voucher_in_checkout voucher_used expired "
        "voucher_refunding voucher_refunded voucher_void offline_store_silent too_many_tries not_allowed",
    ),
    "POST /vouchers/{voucher}/gift/return": Says(MEMBER, "gift_not_found gift_over not_allowed"),
    "GET /gifts": Says(MEMBER, "not_allowed"),
    "GET /gifts/{link}": Says("whoever has the link", "gift_not_found"),
    "POST /gifts/{link}/claims": Says(
        "a member who has the link", "gift_not_found gift_is_yours gift_over not_allowed"
    ),
    "GET /mall": Says(EVERYBODY, "not_found unknown_city"),
    "GET /mall/{gift}": Says(EVERYBODY, "not_found unknown_city"),
    "POST /mall/{gift}/exchanges": Says(
        MEMBER,
        "points_short points_pending exchange_limit way_not_offered sold_out address_needed price_changed gift_over "
        "no_provider unknown_city not_allowed",
    ),
    "GET /exchanges": Says(MEMBER, "not_allowed"),
    "POST /exchanges/{order}/arrival": Says(MEMBER, "delivery_not_found delivery_state not_allowed"),
    "GET /merchants/{merchant}/parcels": Says("orders:view at the merchant; others see an empty list"),
    "POST /merchants/{merchant}/parcels/sent": Says(
        "orders:view at the store; each parcel has its answer",
        "not_found delivery_not_found delivery_state parcel_number_needed voucher_used",
    ),
    "POST /merchants/{merchant}/parcels/delivered": Says(
        "orders:view at the merchant; each parcel has its answer", "delivery_not_found delivery_state"
    ),
    "POST /offline/pulls": Says(
        "an enrolled device, by its signature", "device_not_recognised message_replayed too_many_tries"
    ),
    "POST /offline/uploads": Says(
        "an enrolled device, by its signature", "device_not_recognised message_replayed too_many_tries"
    ),
    "GET /points": Says(MEMBER, "not_allowed"),
    "GET /points/code": Says(MEMBER, "not_allowed"),
    "GET /points/{programme}/lots": Says(MEMBER, "not_found not_allowed"),
    "GET /points/{programme}/history": Says(MEMBER, "not_found not_allowed"),
    "POST /points/{programme}/sends": Says(
        MEMBER,
        "no_such_friend send_to_self send_limit points_count points_short programme_closed too_many_tries not_found "
        "unknown_city not_allowed",
    ),
    "GET /points/{programme}/charities": Says(MEMBER, "not_found not_allowed"),
    "POST /points/{programme}/donations": Says(
        MEMBER,
        "not_a_partner partner_paused not_redeeming points_pending points_short programme_closed not_found "
        "unknown_city not_allowed",
    ),
    "GET /merchants/{merchant}/programme": Says("statement:view of the merchant", "not_found not_a_partner"),
    "GET /merchants/{merchant}/programme/movements": Says("statement:view of the merchant", "not_found not_a_partner"),
    "GET /merchants/{merchant}/repeat": Says("statement:view of the merchant", "not_found"),
    "GET /repeat": Says("statement:view of each city", "not_found"),
    "GET /offers/{offer}/result": Says("statement:view of its merchant or city", "offer_not_found unknown_city"),
    "PUT /offers/{offer}/plan": Says(
        "offers:edit at its merchant", "offer_not_found bad_plan unknown_city not_allowed"
    ),
    "GET /merchants/{merchant}/results": Says("statement:view of the merchant", "unknown_city not_allowed"),
    "GET /results": Says("statement:view of the city", "unknown_city not_allowed"),
    "POST /bills": Says("vouchers:redeem at the store", f"not_found {BILLS}"),
    "POST /bills/voids": Says("vouchers:redeem at the store", f"not_found bill_not_found {UNDOES}"),
    "POST /bills/uploads": Says("vouchers:redeem at the store; each event has its answer", f"not_found {BILLS}"),
    "GET /bills/{bill}": Says("vouchers:redeem at the store", "not_found bill_not_found"),
    "POST /bills/{bill}/cash": Says("vouchers:redeem at the store", "not_found bill_not_found bill_not_waiting"),
    "POST /bills/{bill}/payments": Says(
        "vouchers:redeem at the store", "not_found bill_not_found bill_not_waiting no_provider"
    ),
    "GET /offers/{offer}/together": Says(EVERYBODY, "not_found"),
    "GET /teams/{team}": Says("whoever has its id", "team_not_found"),
    "GET /offers/{offer}/bargain": Says(MEMBER, "bargain_not_found not_found not_allowed"),
    "POST /offers/{offer}/bargain": Says(
        MEMBER,
        "bargain_once bargain_budget offer_not_found not_on_sale sale_not_started sale_over too_many_tries not_found "
        "not_allowed",
    ),
    "GET /bargains/{bargain}": Says("whoever has its id", "bargain_not_found"),
    "POST /bargains/{bargain}/cuts": Says(
        "a member who is not its owner",
        "own_bargain already_helped nothing_to_cut bargain_budget bargain_over bargain_not_found too_many_tries "
        "not_allowed",
    ),
    "GET /offers/{offer}/line": Says(EVERYBODY),
    "GET /waiting": Says(MEMBER, "not_allowed"),
    "POST /waiting": Says(
        MEMBER,
        "offer_not_found no_list_here no_slot_runs not_on_sale sale_over not_sold_out already_waiting "
        "too_many_entries not_allowed",
    ),
    "GET /waiting/{entry}": Says(MEMBER, "entry_not_found not_allowed"),
    "DELETE /waiting/{entry}": Says(MEMBER, "entry_not_found not_allowed"),
    "POST /waiting/{entry}/orders": Says(MEMBER, f"entry_not_found hold_over hold_unknown {SELLS} {PAYS} not_allowed"),
}

KEY = {
    "name": "Idempotency-Key", "in": "header", "required": True,
    "description": "1-255 printable ASCII characters: new for each wish, the same when you try again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}  # fmt: skip
EXAMPLE = {
    "type": "urn:hutong:refusal:sold_out", "title": "SoldOut", "status": 409, "code": "sold_out",
    "detail": "Not enough left: 1 to be had.", "next": "Take fewer, or look at other offers.", "facts": {"left": 1},
}  # fmt: skip
TEXTS = ("type", "title", "code", "detail", "next")
SHAPE = {
    "type": "object", "required": [*TEXTS, "status", "facts"], "examples": [EXAMPLE],
    "description": "A refusal (RFC 9457). Decide by `code`; show `detail` and `next`, which come in the language of "
    "Accept-Language (zh or en). Every code stands in docs/refusals.md.",
    "properties": {
        **{name: {"type": "string"} for name in TEXTS}, "status": {"type": "integer"}, "facts": {"type": "object"},
    },
}  # fmt: skip


def described(schema: Mapping[str, Any], app: Litestar) -> dict[str, Any]:
    """The framework's description with who may ask, the header of keyed writes, and every refusal by its status
    instead of the framework's own errors, which never leave the house."""
    handlers = {
        (route.path_format, method): handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
    }
    paths = {}
    for path, operations in schema["paths"].items():
        paths[path] = dict(operations)
        for method, operation in operations.items():
            name = f"{method.upper()} {path.removeprefix(V1)}"
            if path.startswith(V1) and name in OPERATIONS:
                told = _operation(operation, OPERATIONS[name], handlers[path, method.upper()], method)
                paths[path][method] = told | _body(operation, BODIES.get(name))
    components = dict(schema.get("components") or {})
    components["schemas"] = {**components.get("schemas", {}), "Problem": SHAPE}
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return {**schema, "paths": paths, "components": components}


def _operation(operation: Mapping[str, Any], says: Says, handler: Any, method: str) -> dict[str, Any]:
    token, key = with_token in (handler.guards or ()), "key" in inspect.signature(handler.fn).parameters
    codes = [*says.refusals.split(), "busy"]
    if token:
        codes.append("not_signed_in")
    if key:
        codes += ["key_missing", "key_reused"]
    if any(one["in"] == "path" for one in operation.get("parameters") or ()):
        codes.append("bad_id")
    if operation.get("parameters") or operation.get("requestBody"):
        codes.append("bad_input")
    if method != "get":
        codes.append("outcome_unknown")
    own = {status: answer for status, answer in operation["responses"].items() if int(status) < 300}
    words = operation.get("description") or ""
    return {
        **operation, "description": f"{words}\n\n**Who**: {says.who}.".strip(),
        "parameters": [*(operation.get("parameters") or ()), *([KEY] if key else ())],
        "security": [{"bearer": []}] if token else [{}], "responses": own | _refused(codes),
    }  # fmt: skip


def _body(operation: Mapping[str, Any], example: dict[str, Any] | None) -> dict[str, Any]:
    if example is None:
        return {}
    body = operation["requestBody"]
    kinds = {kind: {**content, "example": example} for kind, content in body["content"].items()}
    return {"requestBody": {**body, "content": kinds}}


def _refused(codes: list[str]) -> dict[str, Any]:
    """An answer for each status, with its codes and what they say. A scheme that is not wired refuses nothing."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in (one for one in dict.fromkeys(codes) if one in Refusal.known):
        by_status[Refusal.known[code].status].append(code)
    return {
        str(status): {
            "description": "\n".join(f"- `{code}`: {Refusal.known[code].say.en}" for code in sorted(ours)),
            "content": {
                PROBLEM: {
                    "schema": {
                        "allOf": [
                            {"$ref": "#/components/schemas/Problem"},
                            {"properties": {"code": {"enum": sorted(ours)}}},
                        ]
                    }
                }
            },
        }
        for status, ours in sorted(by_status.items())
    }


class Described(JsonRenderPlugin):
    """The description as JSON, made once for each application."""

    def __init__(self) -> None:
        super().__init__()
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._made is None:
            self._made = self.render_json(request, described(openapi_schema, request.app))
        return self._made
