"""Writes of people: one file for each verb."""
