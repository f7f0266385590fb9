"""One module per file format, reading and writing side by side, and the registry that tells them apart."""
