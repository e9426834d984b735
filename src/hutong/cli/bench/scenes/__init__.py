"""The benches, one file for each kind."""
