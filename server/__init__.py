"""The HTTP face, over the same engine as the terminal. `app.create_app` makes it; `routes/` has one file a subject.

So far it answers only what needs no caller to be known: health, and what words mean. Everything that touches a household waits for devices that
can say who they are.
"""
