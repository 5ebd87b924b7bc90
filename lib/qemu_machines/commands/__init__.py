"""The commands, one module each: read the inputs, derive the model, judge it, write the outputs."""
