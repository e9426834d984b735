"""Clearing: once a period each partner of a programme gets or pays one amount, and every line of it can be shown."""

from hutong.clearing.model import (
    DISPUTE_DAYS,
    KINDS,
    NETTED,
    Case,
    Close,
    Closed,
    Decide,
    Dispute,
    Entry,
    Part,
    Post,
    Posted,
    Run,
    Statement,
    digest,
)
from hutong.clearing.months import begins, months
from hutong.clearing.operations import close, decide, dispute, finish, post, recompute
from hutong.clearing.queries import (
    Line,
    Month,
    Sum,
    Waiting,
    case,
    disputes,
    line,
    lines,
    run_of,
    runs,
    statement,
    statement_of,
    statements_of_party,
    statements_of_run,
    sums,
    text,
    unfinished,
    waiting,
)
from hutong.clearing.refusals import (
    CorrectionBad,
    DisputeDecided,
    DisputeEmpty,
    DisputeLate,
    DisputeUnknown,
    LineDisputed,
    LineUnknown,
    PeriodDays,
    PeriodGap,
    PeriodOpen,
    RunTaken,
    RunUnposted,
    StatementUnknown,
)

__all__ = [
    "DISPUTE_DAYS", "KINDS", "NETTED", "Case", "Close", "Closed", "CorrectionBad", "Decide", "Dispute",
    "DisputeDecided", "DisputeEmpty", "DisputeLate", "DisputeUnknown", "Entry", "Line", "LineDisputed",
    "LineUnknown", "Month", "Part", "PeriodDays", "PeriodGap", "PeriodOpen", "Post", "Posted", "Run", "RunTaken",
    "RunUnposted", "Statement", "StatementUnknown", "Sum", "Waiting", "begins", "case", "close", "decide", "digest",
    "dispute", "disputes", "finish", "line", "lines", "months", "post", "recompute", "run_of", "runs", "statement",
    "statement_of", "statements_of_party", "statements_of_run", "sums", "text", "unfinished", "waiting",
]  # fmt: skip
