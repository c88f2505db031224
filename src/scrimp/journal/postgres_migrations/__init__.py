"""SQL scripts for a journal in PostgreSQL, in order."""
