"""Every metric of efficiency with its one definition; the table of them is table.py."""
