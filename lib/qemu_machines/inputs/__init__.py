"""What is read: each module turns one kind of file into plain values with positions."""
