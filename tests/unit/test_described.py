"""The description of the API: each operation says who may ask and what is refused, in codes that exist."""

import inspect
import re
from typing import Any, get_args

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from hutong import app as wired
from hutong.api import api_routes, openapi
from hutong.api.described import OPERATIONS, V1
from hutong.api.examples import BODIES
from hutong.kit.access import Permission
from hutong.kit.refusals import Refusal


@pytest.fixture(scope="module")
def app() -> Litestar:
    return Litestar(route_handlers=api_routes(), openapi_config=openapi())


@pytest.fixture(scope="module")
def paths(app: Litestar) -> dict[str, Any]:
    with TestClient(app) as client:
        schema = client.get("/schema/openapi.json").json()
    assert schema["components"]["schemas"]["Problem"]["required"]
    return schema["paths"]


def test_the_table_names_every_operation_and_no_other(paths: dict[str, Any]):
    there = {f"{m.upper()} {path.removeprefix(V1)}" for path, ops in paths.items() if path.startswith(V1) for m in ops}
    assert there == set(OPERATIONS)


def test_codes_and_permissions_exist():
    assert wired.SCHEMES, "the refusals of schemes are known once they are wired"
    for name, says in OPERATIONS.items():
        assert set(says.refusals.split()) <= set(Refusal.known), name
        named = set(re.findall(r"\b[a-z]+:[a-z]+\b", says.who))
        assert named <= {permission.value for permission in Permission}, name


def test_each_operation_says_who_and_what_is_refused(paths: dict[str, Any]):
    for path, operations in paths.items():
        for method, one in operations.items():
            if not path.startswith(V1):
                continue
            where = f"{method} {path}"
            assert one["summary"], where
            assert "**Who**: " in one["description"], where
            refused = {status: answer for status, answer in one["responses"].items() if int(status) >= 400}
            assert "503" in refused, where
            for status, answer in refused.items():
                codes = answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"][
                    "enum"
                ]
                assert {Refusal.known[code].status for code in codes} == {int(status)}, where


def test_a_code_that_a_handler_names_is_in_the_table(app: Litestar):
    """What stands in a docstring is read by machines, too."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            path = route.path_format.removeprefix(V1)
            for method in handler.http_methods - {"OPTIONS"} if path != route.path_format else ():
                words = inspect.getdoc(handler.fn) or ""
                told = {w for w in re.findall(r"[a-z]+(?:_[a-z]+)+", words) if w in Refusal.known} - {"key_reused"}
                assert told <= set(OPERATIONS[f"{method} {path}"].refusals.split()), f"{method} {path}"


def test_keyed_writes_say_so(paths: dict[str, Any]):
    for path, method in (("/orders", "post"), ("/redemptions", "post"), ("/waiting", "post")):
        one = paths[V1 + path][method]
        assert "Idempotency-Key" in {parameter["name"] for parameter in one["parameters"]}
        assert {"400", "401"} <= set(one["responses"])
        assert one["security"] == [{"bearer": []}]


def test_every_body_has_an_example_that_its_operation_reads(app: Litestar, paths: dict[str, Any]):
    """Whoever copies it sends something that is understood."""
    read = set()
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            data = inspect.signature(handler.fn).parameters.get("data")
            if data is None or not route.path_format.startswith(V1):
                continue
            for method in handler.http_methods:
                name = f"{method} {route.path_format.removeprefix(V1)}"
                (kind, *_) = get_args(data.annotation)
                msgspec.json.decode(msgspec.json.encode(BODIES[name]), type=kind)
                shown = paths[route.path_format][method.lower()]["requestBody"]["content"]["application/json"]
                assert shown["example"] == BODIES[name]
                read.add(name)
    assert read == set(BODIES)
