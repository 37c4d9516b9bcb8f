"""The image registry's HTTP API (v2), as far as d2k asks it."""
