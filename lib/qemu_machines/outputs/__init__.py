"""What is written: each module turns the model into text, and decides nothing."""
