"""The demo: two invented cities and the cast, loaded into an empty house."""
