"""The durable record of what happened. `journal.py` is the way in; `sqlite.py` opens every database of ours."""
