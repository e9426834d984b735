"""The kit: money, clock, ids, refusals, places, two languages. No I/O; standard library and msgspec only."""
