"""The fault matrix: `halo torture` runs it at any length, `test_rows.py` a little of every row on every commit.

A row is a list of points, each a word that says exactly what is done there; trying one point says what broke. The judge is the vendors' own ledger
beside `halo audit verify`. `rows.py` lists the rows, `bugs.py` the defects that are planted to prove that a row can fail.
"""
