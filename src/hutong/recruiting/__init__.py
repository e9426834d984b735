"""Operators, whom they recruited, and how merchants come in."""

from hutong.recruiting.branching import (
    AskStore,
    MoveStore,
    NewStore,
    NewStoreChanged,
    NewStoreUnknown,
    OwnStore,
    StoreSaid,
    TooManyNewStores,
    changed,
    new_store_of,
)
from hutong.recruiting.courting import (
    Attribution,
    Case,
    Claim,
    ClaimIt,
    Contract,
    Decide,
    Evidence,
    LogVisit,
    Offer,
    Sign,
    Transfer,
    Visit,
    judge,
)
from hutong.recruiting.model import (
    BASIS,
    SLA,
    Application,
    Apply,
    Assign,
    Attributed,
    Bring,
    Call,
    Calling,
    Document,
    Link,
    MakeOperator,
    Move,
    Operator,
    Rank,
    Reach,
    Requirement,
    Rework,
    Seat,
    Share,
    Step,
    TakeSeat,
    Territory,
    Verdict,
    Words,
    calling_text,
    chain,
    differences,
    merchant_of,
    read_calling,
    term_end,
)
from hutong.recruiting.operations.apply import apply, bring, rework, submit, withdraw
from hutong.recruiting.operations.branching import ask_stores, open_stores, return_stores, withdraw_stores
from hutong.recruiting.operations.court import claim, decide, transfer
from hutong.recruiting.operations.field import link_visits, log_visits, offer, sign
from hutong.recruiting.operations.operators import assign, make_operators, rank_operators
from hutong.recruiting.operations.people import accept_calls, call, leave_seats, take_seats, uncall
from hutong.recruiting.operations.review import approve, reject, send_back
from hutong.recruiting.operations.review import judge as judge_documents
from hutong.recruiting.queries.applications import (
    application,
    applications_of,
    calling,
    callings,
    count_waiting,
    documents,
    expiring,
    of_merchants,
    queue,
    requirements,
    steps,
)
from hutong.recruiting.queries.branching import (
    count_new_stores,
    new_stores_named,
    new_stores_of,
    new_stores_waiting,
)
from hutong.recruiting.queries.court import case, cases, cases_on, claims_of, claims_on, count_open
from hutong.recruiting.queries.field import contracts_of, in_force, recruited, steps_due, visits
from hutong.recruiting.queries.tree import (
    all_operators,
    attributions_of,
    below,
    highest,
    holders,
    operators,
    people_of,
    reach,
    seats_of,
    shares_for,
    territories,
    territories_of,
)
from hutong.recruiting.refusals import (
    ApplicationChanged,
    ApplicationNotOpen,
    ApplicationUnknown,
    CallingOver,
    CaseDecided,
    CaseUnknown,
    ClaimEnded,
    ContractChanged,
    ContractUnknown,
    DocumentExpired,
    DocumentsMissing,
    NoSuchDemand,
    NotAClaimant,
    OperatorUnknown,
    RankChanged,
    RankWrong,
    TerritoryNeeded,
    TerritoryTaken,
    TooManyApplications,
    VisitUnknown,
)

__all__ = [
    "BASIS", "SLA", "Application", "ApplicationChanged", "ApplicationNotOpen", "ApplicationUnknown", "Apply",
    "AskStore", "Assign", "Attributed", "Attribution", "Bring", "Call", "Calling", "CallingOver", "Case",
    "CaseDecided", "CaseUnknown", "Claim", "ClaimEnded", "ClaimIt", "Contract", "ContractChanged", "ContractUnknown",
    "Decide", "Document", "DocumentExpired", "DocumentsMissing", "Evidence", "Link", "LogVisit", "MakeOperator",
    "Move", "MoveStore", "NewStore", "NewStoreChanged", "NewStoreUnknown", "NoSuchDemand", "NotAClaimant", "Offer",
    "Operator", "OperatorUnknown", "OwnStore", "Rank", "RankChanged", "RankWrong", "Reach", "Requirement", "Rework",
    "Seat", "Share", "Sign", "Step", "StoreSaid", "TakeSeat", "Territory", "TerritoryNeeded", "TerritoryTaken",
    "TooManyApplications", "TooManyNewStores", "Transfer", "Verdict", "Visit", "VisitUnknown", "Words",
    "accept_calls", "all_operators", "application", "applications_of", "apply", "approve", "ask_stores", "assign",
    "attributions_of", "below", "bring", "call", "calling", "calling_text", "callings", "case", "cases", "cases_on",
    "chain", "changed", "claim", "claims_of", "claims_on", "contracts_of", "count_new_stores", "count_open",
    "count_waiting", "decide", "differences", "documents", "expiring", "highest", "holders", "in_force", "judge",
    "judge_documents", "leave_seats", "link_visits", "log_visits", "make_operators", "merchant_of", "new_store_of",
    "new_stores_named", "new_stores_of", "new_stores_waiting", "of_merchants", "offer", "open_stores", "operators",
    "people_of", "queue", "rank_operators", "reach", "read_calling", "recruited", "reject", "requirements",
    "return_stores", "rework", "seats_of", "send_back", "shares_for", "sign", "steps", "steps_due", "submit",
    "take_seats", "term_end", "territories", "territories_of", "transfer", "uncall", "visits", "withdraw",
    "withdraw_stores",
]  # fmt: skip
