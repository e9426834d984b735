"""Money from and to the outside: intents, captures, refunds, and results that are not known yet."""
