"""Logs: one line for each thing that happened, on standard error; words for people or JSON for machines.

Our own loggers (`get_logger`) and those of libraries go the same way: fields and the request's id are added, secrets
and phone numbers taken out (`infra.scrub`), control characters escaped, then the line is drawn.
"""

import contextlib
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, Protocol, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

from hutong.infra import scrub

FIELDS = "_hutong_fields"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_OURS = "hutong"
_CHATTY = ("httpx", "httpx2", "httpcore", "httpcore2", "procrastinate", "alembic", "asyncio", "litestar")
_OWN_HANDLERS = ("_granian", "granian", "granian.access", "uvicorn", "uvicorn.error", "uvicorn.access")
_TEXTS = ("exception", "stack")  # the fields in which line breaks stay
Event = MutableMapping[str, Any]
# Beside the library's own variables: to set one of them for each request would cost more than all other counting.
_REQUEST: ContextVar[str | None] = ContextVar("hutong_request", default=None)
_drawn = logging.LogRecord("", 0, "", 0, "", None, None).__dict__.keys() | {"message", "asctime", "taskName", FIELDS}


class LogSettings(Protocol):
    """What of the settings the log needs."""

    @property
    def log_format(self) -> Literal["console", "json"]: ...

    @property
    def log_level(self) -> str: ...


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for `log.info("what_happened", order="ord_...", seconds=0.2)`; `.bind(...)` keeps fields.

    It speaks through the standard library's logging, so it is quiet until `configure` and never raises.
    """
    return structlog.wrap_logger(
        logging.getLogger(name),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.PositionalArgumentsFormatter(), _hand_over],
        cache_logger_on_first_use=True,
    )


def _hand_over(_: Any, __: str, event: Event) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """To the standard library: the fields travel in one attribute, where no name can collide with its own."""
    known = {name: event.pop(name) for name in ("exc_info", "stack_info") if name in event}
    return (event.pop("event", ""),), {**known, "extra": {FIELDS: dict(event)}}


@contextlib.contextmanager
def request_scope(request_id: str, **fields: Any) -> Iterator[None]:
    """Every line of this block (and of the tasks it starts) carries the request's id and these fields."""
    before = _REQUEST.set(request_id)
    try:
        with bound_contextvars(**fields) if fields else contextlib.nullcontext():
            yield
    finally:
        _REQUEST.reset(before)


def _add_request(_: Any, __: str, event: Event) -> Event:
    """The id of the request in whose course this happened."""
    request_id = _REQUEST.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def clean_request_id(given: str | None) -> str | None:
    """A caller's request id when it is fit to be written into logs and headers, else None."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else None


def configure(settings: LogSettings, out: TextIO | None = None) -> None:
    """Send everything to standard error (or `out`) in the format and from the level of the settings.

    Call it once in each process, after the server's own logging is set up; a second call replaces the first.
    """
    stream = out or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(settings.log_format, colours=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _unhandled
    threading.excepthook = _unhandled_in_thread


class Lines(structlog.stdlib.ProcessorFormatter):
    """Draws records as lines. One that cannot be drawn becomes a line that says so, and shows nothing of it."""

    def __init__(self, style: Literal["console", "json"], *, colours: bool = False) -> None:
        super().__init__(
            foreign_pre_chain=[
                merge_contextvars, _add_request, _add_fields, structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _clean,
                *([_json] if style == "json" else [_indent, structlog.dev.ConsoleRenderer(colors=colours)]),
            ],
        )  # fmt: skip

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:
            return f"a line of {record.name} could not be drawn: {type(error).__name__}"


def _add_fields(_: Any, __: str, event: Event) -> Event:
    """Our loggers' fields and a library's `extra`."""
    record: logging.LogRecord = event["_record"]
    given = {name: found for name, found in record.__dict__.items() if name not in _drawn}
    for name, found in {**given, **getattr(record, FIELDS, {})}.items():
        event.setdefault(name if name not in ("event", "level", "logger", "timestamp") else f"{name}_", found)
    return event


def _clean(_: Any, __: str, event: Event) -> Event:
    ours = {name: event.pop(name) for name in ("timestamp", "level", "logger") if name in event}
    cleaned = scrub.fields(event)
    return {**{scrub.escape(name): _escaped(name, found) for name, found in cleaned.items()}, **ours}


def _escaped(name: str, found: Any) -> Any:
    if isinstance(found, str):
        return scrub.escape(found, lines=name in _TEXTS)
    if isinstance(found, list):
        return [_escaped("", item) for item in found]
    if isinstance(found, dict):
        return {scrub.escape(key): _escaped("", item) for key, item in found.items()}
    return found


def _indent(_: Any, __: str, event: Event) -> Event:
    """Traces stand in from the margin: no line of them can pass for a line of the log."""
    for name in _TEXTS:
        if name in event:
            event[name] = "\n".join(f"    {line}" for line in str(event[name]).splitlines())
    return event


def _json(_: Any, __: str, event: Event) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)


def _unhandled(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(_OURS).critical("unhandled", exc_info=(kind, error, trace))


def _unhandled_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        where = args.thread.name if args.thread else "?"
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger(_OURS).critical("unhandled_in_thread", extra={"thread_name": where}, exc_info=error)
