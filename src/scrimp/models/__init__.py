"""Language models and embedders. `names.py` turns a name into one."""
