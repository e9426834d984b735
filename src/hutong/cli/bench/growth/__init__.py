"""`hutong bench growth`: the same business with ten and a hundred times its history.

`command` runs it and tells; `business` makes the history through the operations, in sets; `looking` opens the pages.
"""
