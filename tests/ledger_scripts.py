"""The contract of the ledger as scripts: played by the pure model (unit) and by PostgreSQL (db)."""

# Every refusal that a single transfer can meet. Each line keeps the defects of the lines below it and repairs
# its own, so the order of the lines is the order of precedence.
PRECEDENCE = """
    post  S1 ext  ann    500                      -> done
    hold  R1 ann  noodle 100 until 30             -> done
    hold  R2 ann  noodle 100 until 30             -> done
    hold  R3 ann  noodle 100 until 30             -> done
    take  P2 R2                                   -> done
    void  V3 R3                                   -> done
    clock 31
    post  S1 ann  ann    -1                       -> id_taken
    post  S1 ext  ann    500                      -> again
    post  X1 ann  ann    -1                       -> accounts_same
    post  X1 ann  noodle -1                       -> amount_not_positive
    post  X1 ann  noodle 0                        -> amount_not_positive
    post  X1 ann  noodle 1000000000000001         -> amount_too_large
    post  X1 wallet clearing/city/2! 9999GRAIN    -> asset_mismatch
    post  X1 ann! clearing/city/2! 9999           -> twin_missing
    post  X1 ann! noodle 9999                     -> account_conflict
    take  X1 R9 9999 ann! bob                     -> account_conflict
    take  X1 R9 9999 ann bob                      -> pending_not_found
    take  X1 S1 9999 ann bob                      -> pending_not_found
    take  X1 R1 9999 ann bob                      -> pending_other_accounts
    take  X1 R2 9999                              -> already_posted
    take  X1 R3 9999                              -> already_voided
    take  X1 R1 9999                              -> pending_expired
    clock 29
    take  X1 R1 101                               -> exceeds_pending
    void  X1 R1 101                               -> exceeds_pending
    void  X1 R1 99                                -> pending_other_amount
    post  X1 ann  noodle 301                      -> insufficient_funds
    post  X1 ann  noodle 300                      -> done
    balance ann                                   -> 100/0
    balance noodle                                -> 400/400
"""

TWO_PHASE = """
    post  T1 ext ann    500      -> done
    balance ann                  -> 500/500
    hold  T2 ann noodle 600      -> insufficient_funds
    hold  T3 ann noodle 300      -> done
    balance ann                  -> 500/200
    balance noodle               -> 0/0          # what is reserved for him is not his yet
    hold  T3 ann noodle 300      -> again
    hold  T4 ann noodle 201      -> insufficient_funds
    take  T5 T3 120              -> done         # a part is posted, the rest is free again
    take  T5 T3 120              -> again
    take  T6 T3 180              -> already_posted
    void  T7 T3                  -> already_posted
    balance ann                  -> 380/380
    balance noodle               -> 120/120
    hold  T8 ann noodle 380      -> done
    void  T9 T8                  -> done
    take  TA T8                  -> already_voided
    void  TB T8                  -> already_voided
    balance ann                  -> 380/380
"""

SIDES = """
    post  T1 till ann   400      -> done         # cash comes in
    post  T2 ann  till  401      -> insufficient_funds
    post  T3 ext  ann   100      -> done
    post  T4 ann  till  401      -> insufficient_funds   # the till has 400, though ann has 500
    hold  T5 ann  till  400      -> done
    balance till                 -> 400/0
    post  T6 ann  till  1        -> insufficient_funds
    post  T7 ann  ext   100      -> done
    post  T8 bob  ext   1        -> insufficient_funds
    post  T9 ext  till  1        -> insufficient_funds
    void  TA T5                  -> done
    balance till                 -> 400/400
    balance ext                  -> 0/0
    post  TB till ann  5GRAIN    -> done         # another asset is another account of the same name
    balance ann                  -> 400/400
"""

CHAINS = """
    post T0 ext ann 100          -> done
    chain
    post T1 ann  noodle 60       -> done
    post T2 noodle tao  60       -> done         # sees the effect of the one before
    end
    chain
    post T3 ann  noodle 30       -> linked_failed
    post T4 ann  noodle 30       -> insufficient_funds
    post T5 ext  ann    99       -> linked_failed
    end
    balance ann                  -> 40/40
    post T3 ann  noodle 30       -> done         # a refused id is free
    chain
    post T3 ann  noodle 30       -> again        # what stood before the chain stays
    post T6 ann  noodle 11       -> insufficient_funds
    end
    balance ann                  -> 10/10
    chain
    post T7 ann noodle 5         -> linked_failed
    post T7 ann noodle 5         -> linked_failed   # its twin in the same failed chain is gone as well
    post T8 ann ann    5         -> accounts_same
    end
    chain
    post T9 ann noodle 1         -> linked_failed
    post TA ann noodle 1         -> chain_open
    end open
    chain
    hold TB ann noodle 10        -> done
    take TC TB                   -> done         # reserved and posted in one list
    end
    balance ann                  -> 0/0
    balance tao                  -> 60/60
"""

ACROSS = """
    post T0 ext ann 100          -> done
    move T1 ann >wallet 70       -> done
    move T1 ann >wallet 70       -> again
    move T1 ann >wallet 71       -> id_taken linked_failed
    move T2 ann >wallet 31       -> insufficient_funds linked_failed
    balance ann                  -> 30/30
    balance >wallet              -> 70/70
    balance >ann                 -> none
    chain
    move T3 ann >wallet 10       -> linked_failed
    post T4 ann noodle 21        -> insufficient_funds
    end
    balance >wallet              -> 70/70
"""

SCRIPTS = {"precedence": PRECEDENCE, "two_phase": TWO_PHASE, "sides": SIDES, "chains": CHAINS, "across": ACROSS}

# The sweep is a query, so only PostgreSQL plays this one.
EXPIRY = """
    post  T0 ext ann 100         -> done
    hold  T1 ann noodle 60 until 30 -> done
    hold  T2 ann noodle 30       -> done         # never expires
    hold  T3 ann noodle 10 until 40 -> done
    clock 29
    expire                       -> 0
    clock 30
    take  T4 T1                  -> pending_expired  # also before the sweep
    balance ann                  -> 100/0
    expire                       -> 1
    expire                       -> 0
    balance ann                  -> 100/60
    take  T5 T1                  -> pending_expired
    void  T6 T1                  -> pending_expired
    take  T7 T2                  -> done
    clock 99
    expire                       -> 1
    balance ann                  -> 70/70
    balance noodle               -> 30/30
"""
