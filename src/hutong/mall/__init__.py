"""The gift mall: who may still have which gift, and parcels on their way."""

from hutong.mall.addresses import open_address, seal
from hutong.mall.model import (
    CONFIRM_AFTER,
    FORGET_AFTER,
    Address,
    Delivered,
    Delivery,
    Exchange,
    Exchanged,
    Had,
    Returned,
    Send,
    SentOut,
    Step,
    Way,
    begins,
    next_begins,
)
from hutong.mall.operations import (
    exchange,
    follow,
    forget_addresses,
    forget_members,
    lock_sent,
    mark_delivered,
    return_to_sender,
    send_out,
    sent_long_ago,
)
from hutong.mall.queries import (
    counts_of,
    deliveries_of,
    exchanged,
    exchanged_in,
    exchanges_of,
    of_offer,
    steps_of,
    to_fulfil,
)
from hutong.mall.refusals import (
    AddressNeeded,
    DeliveryNotFound,
    DeliveryState,
    ExchangeLimit,
    GiftUnderfunded,
    NumberNeeded,
    WayNotOffered,
)

__all__ = [
    "CONFIRM_AFTER", "FORGET_AFTER", "Address", "AddressNeeded", "Delivered", "Delivery", "DeliveryNotFound",
    "DeliveryState", "Exchange", "ExchangeLimit", "Exchanged", "GiftUnderfunded", "Had", "NumberNeeded", "Returned",
    "Send", "SentOut", "Step", "Way", "WayNotOffered", "begins", "counts_of", "deliveries_of", "exchange", "exchanged",
    "exchanged_in", "exchanges_of", "follow", "forget_addresses", "forget_members", "lock_sent", "mark_delivered",
    "next_begins", "of_offer", "open_address", "return_to_sender", "seal", "send_out", "sent_long_ago", "steps_of",
    "to_fulfil",
]  # fmt: skip
