"""The log in files that outlive Halo: for a stranger to check, for a spreadsheet, for a database.

`which` finds the events; `lines` (NDJSON), `cells` (CSV) and `columns` (Parquet) write them, into what `files` opens; `checking` reads NDJSON back
and believes nothing. `halo_engine.audit` calls the writers; checking needs no home and no books.
"""
