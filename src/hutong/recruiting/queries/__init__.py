"""The reads of recruiting."""
