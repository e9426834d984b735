"""Correctness under speed: members who press twice, lines that are cut, processes that are killed.

Each client keeps in a journal what it was told. Afterwards the journal and the database must agree: whatever was
acknowledged is there, whatever was refused is not, and what is unknown becomes exactly one effect when it is asked for
again with its key.
"""
