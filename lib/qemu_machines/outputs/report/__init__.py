"""The overview that people look at: one content (overview.py) in five forms, a module each."""
