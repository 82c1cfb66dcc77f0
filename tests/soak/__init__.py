"""The five flows for minutes on end: several households, a real server, PostgreSQL, two workers of which one is killed again and again.

`just soak` runs it (docs/capacity.md); `test_soak.py` does so for half a minute on every commit. `people.py` are the members with their phones,
`scene.py` the processes, `trouble.py` what goes wrong, `books.py` the judge at the end, `tables.py` what is told of it.
"""
