"""What Docker's verbs mean: the only place that joins translation and cluster."""
