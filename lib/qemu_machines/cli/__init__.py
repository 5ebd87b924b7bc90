"""The command line: its tables, its parser, and the conventions of debhelper."""
