"""Measuring on this machine: `command` has the group, `frame` runs a scene, `client` is the load in its own process."""
