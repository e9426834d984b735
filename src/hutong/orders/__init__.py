"""Orders: what was promised, paid, delivered and given back. The binding floor of the house."""

from hutong.orders.figures import Figures, MerchantRefund, figures, refunds_of_merchant
from hutong.orders.inside import Concern, OpenOrders, buyers_of, concerns, still_open
from hutong.orders.model import (
    AskRefund,
    Cancel,
    Cancelled,
    Change,
    Line,
    Order,
    Place,
    Placed,
    Promise,
    RefundAsked,
    Sales,
    Wanted,
)  # fmt: skip
from hutong.orders.operations import (
    ask_refunds,
    cancel,
    close_offers,
    expire_unpaid,
    expire_vouchers,
    paid,
    place,
    receive,
    refunds_done,
    refunds_failed,
)  # fmt: skip
from hutong.orders.operations.forget import forget_members
from hutong.orders.queries import (
    bought,
    cities_of_member,
    history,
    of_member,
    of_merchant,
    order,
    order_of_payment,
    progress,
    refunds,
    sales,
)  # fmt: skip
from hutong.orders.refusals import (
    MixedOrder,
    NothingChosen,
    NothingOrdered,
    NothingToRefund,
    OrderClosed,
    OrderPaid,
    OrderUnknown,
    OverMemberCap,
    PriceChanged,
    RefundForbidden,
    SchemeUnknown,
    closed,
)  # fmt: skip
from hutong.orders.scheme import Plan, Scheme, Schemes

__all__ = [
    "AskRefund", "Cancel", "Cancelled", "Change", "Concern", "Figures", "Line", "MerchantRefund", "MixedOrder",
    "NothingChosen", "NothingOrdered", "NothingToRefund", "OpenOrders", "Order", "OrderClosed", "OrderPaid",
    "OrderUnknown", "OverMemberCap", "Place", "Placed", "Plan", "PriceChanged", "Promise", "RefundAsked",
    "RefundForbidden", "Sales", "Scheme", "SchemeUnknown", "Schemes", "Wanted", "ask_refunds", "bought", "cancel",
    "cities_of_member", "close_offers", "closed", "concerns", "expire_unpaid", "expire_vouchers", "figures",
    "forget_members", "history", "of_member", "of_merchant", "order", "order_of_payment", "paid", "place",
    "progress", "receive", "refunds", "refunds_done", "refunds_failed", "refunds_of_merchant", "sales",
    "still_open",
]  # fmt: skip
