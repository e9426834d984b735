"""The desk: the edge without HTTP."""
