"""Replays: recorded business lived through again, by the same operations as a phone."""
