"""Hutong: the open platform for online-to-offline local commerce."""

__version__ = "0.1.0"
