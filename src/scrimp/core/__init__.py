"""The words of scrimp: values, protocols and the Context, with no I/O. Import from the files."""
