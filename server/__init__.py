"""The HTTP face, over the same engine as the terminal. `app.create_app` makes it; `routes/` has one file a subject.

Whoever calls shows a device's token (`auth.py`), and acts as the member that the device speaks for. So far it answers what a thread needs.
"""
