"""What the garbage collector does in a process that serves."""

import gc

# Objects that must be made before it looks: (among the new, of their survivors, of all). Nearly everything a request
# makes goes by its count alone, so looking is rarely worth it; with the usual numbers it took a third of the time.
PATIENCE = (50_000, 20, 50)


def settle() -> None:
    """Call it once when everything is loaded: what is there now stays and is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*PATIENCE)
