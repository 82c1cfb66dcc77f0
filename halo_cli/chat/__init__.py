"""`halo chat`: the thread of a household in the terminal. Screens render values and post messages; `app.py` asks the door in workers."""
