"""Halo for programs that speak the Model Context Protocol: they ask, draft, look and change. They cannot confirm.

There is no tool, no argument and no answer that says yes. `request_confirmation` only tells where the card can be read; the yes is given elsewhere,
by a person, in Halo's own app, thread or terminal. `stdio.py` serves one program on this machine, `over_http.py` whoever has a device's token.
"""
