"""Writes of merchants: one file for each noun."""
