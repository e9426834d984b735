"""What all pages share: the visit, guards, words, formats, look, refusals as pages, signing in."""
