"""A home in one file, and a home made of such a file. `taking` writes it, `putting_back` reads it, `manifest` says what is in it."""
