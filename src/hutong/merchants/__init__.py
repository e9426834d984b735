"""Merchants, their stores with hours and pictures, and the invitations of their staff."""

from hutong.merchants.devices import (
    Device,
    Enrol,
    Limits,
    SetLimits,
    active_devices,
    default_limits,
    devices,
    devices_in,
    limits_of,
)
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
from hutong.merchants.invited import invitation, invitation_deeds, pending_invitations
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
    InvitationDeed,
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
    Sign,
    Store,
    StoreChange,
    invitation_text,
    read_invitation,
)
from hutong.merchants.operations.add import add_merchants, add_stores
from hutong.merchants.operations.change import add_photos, close_stores, remove_photos, set_exceptions, set_hours
from hutong.merchants.operations.edit import arrange_photos, edit_stores, note_changes
from hutong.merchants.operations.enrol import (
    Flag,
    Seen,
    devices_seen,
    enrol_devices,
    flag_devices,
    lock_devices,
    revoke_devices,
    set_limits,
)
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
    signs,
    stores,
    stores_in,
    stores_of,
)
from hutong.merchants.refusals import (
    BadHours,
    DeviceNotRecognised,
    DeviceTaken,
    InvitationExpired,
    InvitationUsed,
    LossNotDeclared,
    MerchantNotActive,
    MerchantTaken,
    MessageReplayed,
    StoreChanged,
    StoreOutsideCity,
    StoreTaken,
)

__all__ = [
    "OPEN_NOW", "AcceptInvitation", "Accepted", "AddMerchant", "AddPhoto", "AddStore", "ArrangePhoto", "BadHours",
    "CloseStore", "DayException", "Device", "DeviceNotRecognised", "DeviceTaken", "EditStore", "Enrol", "Flag", "Hours",
    "Invitation", "InvitationDeed", "InvitationExpired", "InvitationUsed", "InviteStaff", "Invited", "Limits",
    "LossNotDeclared", "Merchant", "MerchantNotActive", "MerchantTaken", "MessageReplayed", "NearCursor", "NearStore",
    "OpenState", "Photo", "RemovePhoto", "RevokeInvitation", "Seen", "SetException", "SetHours", "SetLimits", "Sign",
    "Span", "Store", "StoreChange", "StoreChanged", "StoreOutsideCity", "StoreTaken", "accept_invitations",
    "active_devices", "add_merchants", "add_photos", "add_stores", "arrange_photos", "changes", "cities_of_staff",
    "close_stores", "counters_of", "default_limits", "devices", "devices_in", "devices_seen", "edit_stores",
    "enrol_devices", "exceptions", "flag_devices", "hours_in_words", "invitation", "invitation_deeds",
    "invitation_text", "invite_staff", "limits_of", "lock_devices", "merchant", "merchants", "nearby", "note_changes",
    "open_at", "open_params", "open_states", "parse_spans", "pending_invitations", "photos", "presence",
    "read_invitation", "remove_photos", "revoke_devices", "revoke_invitations", "set_exceptions", "set_hours",
    "set_limits", "signs", "spans_in_words", "state_in_words", "stores", "stores_in", "stores_of",
]  # fmt: skip
