"""SQL scripts for accounts in PostgreSQL, in order."""
