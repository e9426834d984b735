"""The load client: answers in all their shapes, connections that die, servers that ask for patience, honest counts."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from hutong.cli.bench.client.guests import Guests
from hutong.cli.bench.client.load import Load
from hutong.cli.bench.client.plan import Flow, Over, Plan
from hutong.cli.bench.client.tally import OK, Tally, histogram, latencies, percentile
from hutong.cli.bench.client.wire import Broken, closes, header, parse, wait_of, word
from hutong.people.badges import LOOK_AHEAD, Badge, read_badge, step_is_fresh, step_presented

pytestmark = pytest.mark.anyio
Answering = Callable[[bytes, int], bytes]


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


class Server:
    """Reads requests and answers as it is told; an empty answer hangs up."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.connections = 0
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(header(head, b"content-length") or 0)
                self.requests.append(head + await reader.readexactly(size))
                given = self.answering(self.requests[-1], len(self.requests))
                if not given:
                    return
                for start in range(0, len(given), 40):  # in pieces, as networks have it
                    writer.write(given[start : start + 40])
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def keys(self) -> list[bytes]:
        return [header(head, b"idempotency-key") for head in self.requests]


@asynccontextmanager
async def serving(answering: Answering) -> AsyncIterator[tuple[Server, Callable[..., Awaitable[dict[str, Any]]]]]:
    """The server, and a way to load it: flows, and what the plan says besides."""
    server = Server(answering)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    async def loaded(*steps: dict[str, Any], **given: Any) -> dict[str, Any]:
        plan = {"host": "127.0.0.1", "port": port, "connections": 2, "seconds": 5, "warm_s": 0, "most": 10,
                "sources": {}, "flows": [{"name": "flow", "steps": list(steps)}]} | given  # fmt: skip
        load = Load(Plan(plan))
        try:
            tally, shown = await asyncio.to_thread(load.run, plan["seconds"], plan["most"])
        finally:
            load.close()
        return {**shown, "kept": tally.kept}

    async with listening:
        yield server, loaded


POST: dict[str, Any] = {
    "kind": "order", "head": "POST /x HTTP/1.1\r\nhost: here\r\nidempotency-key: <<key>>\r\n", "body": '{"a":1}',
    "refusals": ["sold_out"],
}  # fmt: skip


async def test_connections_are_kept_and_every_request_has_its_own_key():
    async with serving(lambda request, number: answer()) as (server, load):
        shown = await load(POST)
    assert (shown["requests"], shown["ok"], shown["flows"], shown["errors"]) == (10, 10, 10, {})
    assert server.connections == 2
    assert len(set(server.keys())) == 10
    assert all(request.endswith(b'content-length: 7\r\n\r\n{"a":1}') for request in server.requests)


async def test_answers_in_chunks_and_without_a_body_are_whole_answers():
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
    given = [chunks, b"HTTP/1.1 204 No Content\r\n\r\n"]
    async with serving(lambda request, number: given[number % 2]) as (server, load):
        shown = await load(POST, connections=1)
    assert (shown["ok"], shown["errors"], server.connections) == (10, {}, 1)


async def test_a_busy_server_is_asked_again_with_the_same_key_after_the_time_it_asked_for():
    def sometimes(request: bytes, number: int) -> bytes:
        return answer(b"", "503 Busy", "retry-after: 0.1") if number in (1, 2) else answer()

    async with serving(sometimes) as (server, load):
        shown = await load(POST, connections=1, most=2)
    assert (shown["busy"], shown["ok"], shown["requests"], shown["errors"]) == (2, 2, 2, {})
    keys = server.keys()
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert shown["max_ms"] >= 200, "the wait is part of the time that the caller had"


async def test_a_connection_that_dies_is_made_anew_with_the_same_request():
    async with serving(lambda request, number: b"" if number == 1 else answer()) as (server, load):
        shown = await load(POST, connections=1, most=2)
    assert (shown["sent_again"], shown["ok"], shown["errors"]) == (1, 2, {})
    assert server.keys()[0] == server.keys()[1] != server.keys()[2]
    assert server.connections == 2


async def test_a_server_that_never_answers_is_an_error_and_not_a_silence():
    async with serving(lambda request, number: b"") as (_, load):
        shown = await load(POST, connections=1, most=1)
    assert shown["errors"] == {"order: the connection was lost": 1}
    assert shown["ok"] == 0


async def test_a_server_that_closes_after_its_answer_loses_nothing():
    async with serving(lambda request, number: answer(b"{}", "200 OK", "Connection: close")) as (server, load):
        shown = await load(POST, connections=1, most=3)
    assert (shown["ok"], shown["sent_again"], shown["errors"]) == (3, 0, {})
    assert server.connections == 3


async def test_refusals_that_were_expected_are_counted_and_others_are_errors():
    said = {1: "sold_out", 2: "sold_out", 3: "not_signed_in"}

    def refuse(request: bytes, number: int) -> bytes:
        return answer(json.dumps({"code": said[number]}, separators=(",", ":")).encode(), "409 Conflict")

    async with serving(refuse) as (_, load):
        shown = await load(POST, connections=1, most=3)
    assert shown["refused"] == {"sold_out": 2}
    assert shown["errors"] == {"order: 409 not_signed_in": 1}
    assert (shown["ok"], shown["flows"]) == (0, 0)


async def test_a_flow_of_two_steps_takes_from_the_first_what_the_second_needs():
    def counter(request: bytes, number: int) -> bytes:
        return answer(b'{"id":"r1"}' if b"proof" in request else b'{"proof":"p-%d"}' % number)

    look = {"kind": "prepare", "head": POST["head"], "body": '"<<codes.0>>"', "take": {"proof": '"proof":"'}}
    use = {"kind": "redeem", "head": POST["head"], "body": '{"proof":"<<got.proof>>"}', "keep": '"id":"'}
    codes = {"codes": {"order": "once", "rows": [["11"], ["22"], ["33"]]}}
    async with serving(counter) as (server, load):
        shown = await load(look, use, connections=1, most=0, sources=codes)
    assert (shown["flows"], shown["requests"], shown["kept"]) == (3, 6, [b"r1"] * 3)
    assert shown["kinds"]["prepare"]["requests"] == shown["kinds"]["redeem"]["requests"] == 3
    assert b'"proof":"p-3"' in server.requests[3]


def test_flows_are_chosen_by_their_weight_and_sources_in_their_order():
    step = {"kind": "x", "head": "<<rows.0>>"}
    plan = Plan(
        {"host": "h", "port": 1, "connections": 1, "seconds": 1, "warm_s": 0, "most": 0,
         "sources": {"rows": {"order": "cycle", "rows": [["a"], ["b"]]}, "last": {"order": "once", "rows": [["z"]]}},
         "flows": [{"name": "often", "weight": 80, "steps": [step]}, {"name": "rare", "weight": 20, "steps": [
             {"kind": "y", "head": "rare"}]}]}
    )  # fmt: skip
    drawn = [plan.request(flow) for flow in (plan.flow() for _ in range(2_000))]
    counts = Counter(drawn)
    assert counts[b"a\r\n"] in (counts[b"b\r\n"], counts[b"b\r\n"] + 1)
    assert 300 <= counts[b"rare\r\n"] <= 500


def test_a_source_that_gives_each_row_once_ends_its_flows():
    plan = Plan(
        {"host": "h", "port": 1, "connections": 1, "seconds": 1, "warm_s": 0, "most": 0,
         "sources": {"last": {"order": "once", "rows": [["z"]]}},
         "flows": [{"name": "one", "steps": [{"kind": "x", "head": "<<last.0>>"}]}]}
    )  # fmt: skip
    assert isinstance(plan.flow(), Flow)
    with pytest.raises(Over):
        plan.flow()


def test_members_show_a_code_that_is_good_for_each_bill_until_they_have_none():
    """As the server judges them: it knows which code was used last, and a code that it has not seen is skipped."""
    clock = datetime(2026, 11, 22, 4, 0, 29, tzinfo=UTC)
    members = {UUID(int=n): bytes([n]) * 16 for n in (1, 2)}
    guests = Guests([(str(i).encode(), key.hex().encode()) for i, key in members.items()], clock=lambda: clock)
    known = {i: Badge(member_id=i, secret=key) for i, key in members.items()}
    first, second = guests.draw(), guests.draw()
    assert first is not None
    assert second is not None
    assert guests.draw() is None, "each member stands at one till at a time"
    guests.give_back(second)
    shown = [first, second]
    while (row := guests.draw()) is not None:
        shown.append(row)
        guests.give_back(row)
    for (text,) in shown:
        member, token = read_badge(text.decode()) or (UUID(int=0), "")
        step = step_presented(known[member], token, clock)
        assert step is not None
        assert step_is_fresh(known[member], step, clock)
        known[member] = replace(known[member], last_step=step)
    assert Counter(read_badge(text.decode())[0].int for (text,) in shown) == {1: 1, 2: LOOK_AHEAD + 1}  # type: ignore[index]
    clock += timedelta(seconds=30)
    assert guests.draw() is not None, "half a minute later there is another"


def test_who_has_paid_comes_again():
    rows = [[str(UUID(int=1)), "00" * 16]]
    plan = Plan(
        {"host": "127.0.0.1", "port": 1, "connections": 1, "seconds": 1, "warm_s": 0, "most": 0,
         "sources": {"guests": {"order": "codes", "rows": rows}},
         "flows": [{"name": "one", "steps": [{"kind": "x", "head": "<<guests.0>>"}]}]}
    )  # fmt: skip
    flow = plan.flow()
    with pytest.raises(Over):
        plan.flow()
    flow.end()
    assert plan.request(plan.flow()) != plan.request(flow)


def test_an_answer_is_read_only_when_it_is_whole():
    whole = answer(b"hello", "201 Created", "X-Request-Id: 7")
    for stop in range(len(whole)):
        assert parse(whole[:stop]) is None
    found = parse(whole)
    assert found is not None
    assert (found.status, found.body, found.end) == (201, b"hello", len(whole))
    assert (header(found.head, b"x-request-id"), closes(found.head)) == (b"7", False)
    for broken in (b"SSH-2.0 hello", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 OK\r\ncontent-length: 0\r\n\r\n"):
        with pytest.raises(Broken):
            parse(broken)


def test_words_and_waits_are_read_leniently():
    assert word(b'{"code":"sold_out"}', b'"code":"') == b"sold_out"
    assert word(b"{}", b'"code":"') == b""
    assert wait_of(b"HTTP/1.1 503\r\nRetry-After: 9", 2.0) == 2.0
    assert wait_of(b"HTTP/1.1 503\r\nRetry-After: soon", 2.0) == 1.0


def test_percentiles_are_values_that_happened():
    assert [percentile(range(1, 101), share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert (percentile([7.0], 0.99), percentile([], 0.5)) == (7.0, 0.0)
    assert latencies([0.001, 0.002, 0.003])["p50_ms"] == 2.0
    assert sum(count for _, count in histogram([0.001, 0.001, 0.5])) == 3
    (bound, count), *_ = histogram([0.001])
    assert (bound, count) == (1.0, 1)


def test_a_tally_tells_each_second():
    tally = Tally(["x"])
    for end in (10.1, 10.9, 12.5):
        tally.add(0, OK, end, 0.1)
    shown = tally.shown(10.0, 0.5)
    assert shown["timeline"] == [[2, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert (shown["seconds"], shown["ok"]) == (2.5, 3)
