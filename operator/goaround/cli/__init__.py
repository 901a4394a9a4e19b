"""Commands for people: before take-off, in flight, on a bad day, and what was learnt afterwards.

They read, print, and write what a person decides; nothing decides by itself here. Exit codes: 0
done, 1 it could not be done, 2 the answer is no, 130 interrupted.
"""
