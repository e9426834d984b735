"""Members, signing in, roles and keys."""

from hutong.kit.access import EVERYTHING, KEY_PERMISSIONS, NOTHING, Actor, Grant, Permission, Role, Scope
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
from hutong.people.operations.codes import request_codes, use_codes
from hutong.people.operations.grants import grant, revoke
from hutong.people.operations.keys import make_keys, revoke_keys, rotate_keys, touch_keys
from hutong.people.operations.members import edit_members, forget
from hutong.people.operations.sign_in import sign_in, sign_out, sign_out_everywhere
from hutong.people.phones import normalise
from hutong.people.queries import (
    actor_of,
    actor_of_key,
    actors,
    grants_of,
    keys,
    members,
    phones_of,
    sessions_of,
    staff,
)
from hutong.people.refusals import BadPhone, CodeDead, CodeWrong, MemberFrozen, RoleNotThere
from hutong.people.secrets import new_secret, new_token

__all__ = [
    "EVERYTHING", "KEY_PERMISSIONS", "NOTHING", "Actor", "AddMember", "BadPhone", "CodeDead", "CodeMade", "CodeUsed",
    "CodeWrong", "EditMember", "GiveRole", "Grant", "KeyInfo", "KeyMade", "Limits", "MakeKey", "Member", "MemberFrozen",
    "Permission", "RequestCode", "RevokeKey", "RevokeRole", "Role", "RoleGiven", "RoleNotThere", "RotateKey", "Scope",
    "SessionInfo", "SignIn", "SignedIn", "StaffMember", "UseCode", "actor_of", "actor_of_key", "actors", "add_members",
    "edit_members", "forget", "grant", "grants_of", "keys", "make_keys", "members", "new_secret", "new_token",
    "normalise", "phones_of", "request_codes", "revoke", "revoke_keys", "rotate_keys", "sessions_of", "sign_in",
    "sign_out", "sign_out_everywhere", "staff", "touch_keys", "use_codes",
]  # fmt: skip
