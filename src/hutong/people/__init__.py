"""Members, signing in, passkeys, choices, leaving, roles and keys."""

from hutong.kit.access import EVERYTHING, KEY_PERMISSIONS, NOTHING, Actor, Grant, Permission, Role, Scope
from hutong.people.choices import (
    DEFAULTS,
    EXPORTS_PER_DAY,
    FETCHES_MAX,
    TEXT_VERSION,
    AskExport,
    ChangePhone,
    Channel,
    Choose,
    Consent,
    Departure,
    EndDeparture,
    Export,
    Leave,
    PhoneChanged,
    Purpose,
)
from hutong.people.model import (
    AddMember,
    CodeMade,
    CodeUsed,
    EditMember,
    GiveRole,
    KeyInfo,
    KeyMade,
    Limits,
    MakeKey,
    Member,
    RequestCode,
    RevokeKey,
    RevokeRole,
    RoleGiven,
    RotateKey,
    SessionInfo,
    SignedIn,
    SignIn,
    StaffMember,
    UseCode,
)
from hutong.people.operations.add import add_members
from hutong.people.operations.choices import choose
from hutong.people.operations.codes import request_codes, use_codes
from hutong.people.operations.grants import grant, revoke
from hutong.people.operations.keys import make_keys, revoke_keys, rotate_keys, touch_keys
from hutong.people.operations.leave import ask_exports, ask_to_leave, end_departures, erase, fetch_exports
from hutong.people.operations.members import edit_members, forget
from hutong.people.operations.passkeys import add_passkeys, ask_challenges, edit_passkeys, use_passkeys
from hutong.people.operations.phone import change_phones
from hutong.people.operations.sign_in import (
    sign_in,
    sign_in_by_passkey,
    sign_out,
    sign_out_everywhere,
    touch_sessions,
)
from hutong.people.own import (
    choices_of,
    consents_of,
    departures_due,
    departures_of,
    exports_of,
    whole_phone,
)
from hutong.people.passkeys import (
    AddPasskey,
    AskChallenge,
    EditPasskey,
    PasskeyInfo,
    PasskeySignIn,
    PasskeyUsed,
    Site,
    UsePasskey,
    site_of,
    wish_to_register,
    wish_to_sign,
)
from hutong.people.phones import normalise
from hutong.people.queries import (
    actor_of,
    actor_of_key,
    actors,
    credentials_of,
    grants_of,
    keys,
    members,
    passkeys_of,
    phones_of,
    session_of,
    sessions_of,
    staff,
)
from hutong.people.refusals import (
    BadPhone,
    CodeDead,
    CodeWrong,
    ExportOver,
    LeavingAlready,
    MemberFrozen,
    NoPasskeysHere,
    OldCodeWrong,
    OpenBusiness,
    PasskeyCopied,
    PasskeyNotRight,
    PasskeyStale,
    PasskeyTaken,
    PasskeyUnknown,
    PhoneTaken,
    RoleNotThere,
    RolesFirst,
    SamePhone,
    TooManyExports,
    TooManyPasskeys,
)
from hutong.people.secrets import new_challenge, new_secret, new_token
from hutong.people.trail import StaffDeed, staff_deeds

__all__ = [
    "DEFAULTS", "EVERYTHING", "EXPORTS_PER_DAY", "FETCHES_MAX", "KEY_PERMISSIONS", "NOTHING", "TEXT_VERSION",
    "Actor", "AddMember", "AddPasskey", "AskChallenge", "AskExport", "BadPhone", "ChangePhone", "Channel", "Choose",
    "CodeDead", "CodeMade", "CodeUsed", "CodeWrong", "Consent", "Departure", "EditMember", "EditPasskey",
    "EndDeparture", "Export", "ExportOver", "GiveRole", "Grant", "KeyInfo", "KeyMade", "Leave", "LeavingAlready",
    "Limits", "MakeKey", "Member", "MemberFrozen", "NoPasskeysHere", "OldCodeWrong", "OpenBusiness",
    "PasskeyCopied", "PasskeyInfo", "PasskeyNotRight", "PasskeySignIn", "PasskeyStale", "PasskeyTaken",
    "PasskeyUnknown", "PasskeyUsed", "Permission", "PhoneChanged", "PhoneTaken", "Purpose", "RequestCode",
    "RevokeKey", "RevokeRole", "Role", "RoleGiven", "RoleNotThere", "RolesFirst", "RotateKey", "SamePhone", "Scope",
    "SessionInfo", "SignIn", "SignedIn", "Site", "StaffDeed", "StaffMember", "TooManyExports", "TooManyPasskeys",
    "UseCode", "UsePasskey", "actor_of", "actor_of_key", "actors", "add_members", "add_passkeys", "ask_challenges",
    "ask_exports", "ask_to_leave", "change_phones", "choices_of", "choose", "consents_of", "credentials_of",
    "departures_due", "departures_of", "edit_members", "edit_passkeys", "end_departures", "erase", "exports_of",
    "fetch_exports", "forget", "grant", "grants_of", "keys", "make_keys", "members", "new_challenge", "new_secret",
    "new_token", "normalise", "passkeys_of", "phones_of", "request_codes", "revoke", "revoke_keys", "rotate_keys",
    "session_of", "sessions_of", "sign_in", "sign_in_by_passkey", "sign_out", "sign_out_everywhere", "site_of",
    "staff", "staff_deeds", "touch_keys", "touch_sessions", "use_codes", "use_passkeys", "whole_phone",
    "wish_to_register", "wish_to_sign",
]  # fmt: skip
