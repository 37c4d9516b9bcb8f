"""Pure translation between Docker's and Kubernetes' objects: no I/O, no clock, no state."""
