"""Records, vectors, full text and graph edges behind one protocol (core/records.py)."""
