"""Gifts of an alliance: had for its points, with or without cash besides."""

from hutong.schemes.alliance.scheme import Alliance

__all__ = ["Alliance"]
