"""The books: facts kept, on SQLite or PostgreSQL through the same repositories.

`session.open_store` opens them; a `Books` is one transaction. Rows stay in here: repositories take and return the model's values.
"""
