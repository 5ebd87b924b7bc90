"""The frozen record: its declared half and its observed half."""
