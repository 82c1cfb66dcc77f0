"""A real thread of messages, by way of a bridge that speaks as BlueBubbles does. docs/bridge.md has the contract.

`inbound` decides what may be read at all, `conversation` turns it into calls of `halo_engine.thread.Thread`, `postman` sends what comes of it, and
`room` is the one thread in which all that happens. `mounting` puts the webhook into the server of a home to which a bridge is attached.
"""
