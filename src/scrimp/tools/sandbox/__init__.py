"""Where programs that a model wrote are run: two walls around them, and limits on all they take.

limits.py says what a program may use and what became of it, backends.py holds the outer walls, guard.py the inner
one, guest.py is what runs inside, runner.py holds the conversation with it, and trial.py lets no sandbox be used that
does not hold on this machine.
"""
