"""One file a command: flags, a call to the engine, what is printed. Heavy imports stand inside the functions, so that help stays quick."""
