"""What the benchmarks share: the two sides, their interleaving and the table of figures."""
