"""What pages send: every form carries the CSRF token, and a form that writes its idempotency key."""

from typing import Annotated

from msgspec import Meta, Struct, field

Key = Annotated[str, Meta(pattern="^[0-9a-z]{16,64}$")]


class Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all forms. A field that the form does not know is refused, so nobody smuggles one in."""

    csrf: str = field(name="_csrf_token", default="")


class KeyedForm(Form, frozen=True, kw_only=True):
    """A form that writes."""

    key: Key
