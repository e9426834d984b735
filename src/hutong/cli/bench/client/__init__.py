"""The load: a process of its own with nothing but the standard library, so that it costs the machine little."""
