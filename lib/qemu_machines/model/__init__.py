"""What is known: plain values, and what follows from them. The model imports no other room."""
