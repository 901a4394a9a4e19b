"""Commands for people: the flight plan before take-off, and what the evidence said afterwards.

They read and print. Nothing here changes a cluster. Exit codes: 0 done, 1 usage or input that
cannot be read, 2 the answer is no.
"""
