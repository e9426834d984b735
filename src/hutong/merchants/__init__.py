"""Merchants, their stores with hours and pictures, and the invitations of their staff."""

from hutong.merchants.doors import OPEN_NOW, open_params
from hutong.merchants.hours import (
    Hours,
    OpenState,
    Span,
    hours_in_words,
    open_at,
    parse_spans,
    spans_in_words,
    state_in_words,
)
from hutong.merchants.invited import invitation, pending_invitations
from hutong.merchants.model import (
    Accepted,
    AcceptInvitation,
    AddMerchant,
    AddPhoto,
    AddStore,
    ArrangePhoto,
    CloseStore,
    DayException,
    EditStore,
    Invitation,
    Invited,
    InviteStaff,
    Merchant,
    NearCursor,
    NearStore,
    Photo,
    RemovePhoto,
    RevokeInvitation,
    SetException,
    SetHours,
    Store,
    StoreChange,
    invitation_text,
    read_invitation,
)
from hutong.merchants.operations.add import add_merchants, add_stores
from hutong.merchants.operations.change import add_photos, close_stores, remove_photos, set_exceptions, set_hours
from hutong.merchants.operations.edit import arrange_photos, edit_stores, note_changes
from hutong.merchants.operations.invite import accept_invitations, invite_staff, revoke_invitations
from hutong.merchants.queries import (
    changes,
    cities_of_staff,
    counters_of,
    exceptions,
    merchant,
    merchants,
    nearby,
    open_states,
    photos,
    presence,
    stores,
    stores_in,
    stores_of,
)
from hutong.merchants.refusals import (
    BadHours,
    InvitationExpired,
    InvitationUsed,
    MerchantNotActive,
    MerchantTaken,
    StoreChanged,
    StoreOutsideCity,
    StoreTaken,
)

__all__ = [
    "OPEN_NOW", "AcceptInvitation", "Accepted", "AddMerchant", "AddPhoto", "AddStore", "ArrangePhoto", "BadHours",
    "CloseStore", "DayException", "EditStore", "Hours", "Invitation", "InvitationExpired", "InvitationUsed",
    "InviteStaff", "Invited", "Merchant", "MerchantNotActive", "MerchantTaken", "NearCursor", "NearStore",
    "OpenState", "Photo", "RemovePhoto", "RevokeInvitation", "SetException", "SetHours", "Span", "Store",
    "StoreChange", "StoreChanged", "StoreOutsideCity", "StoreTaken", "accept_invitations", "add_merchants",
    "add_photos", "add_stores", "arrange_photos", "changes", "cities_of_staff", "close_stores", "counters_of",
    "edit_stores", "exceptions", "hours_in_words", "invitation", "invitation_text", "invite_staff", "merchant",
    "merchants", "nearby", "note_changes", "open_at", "open_params", "open_states", "parse_spans",
    "pending_invitations", "photos", "presence", "read_invitation", "remove_photos", "revoke_invitations",
    "set_exceptions", "set_hours", "spans_in_words", "state_in_words", "stores", "stores_in", "stores_of",
]  # fmt: skip
