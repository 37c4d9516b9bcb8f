"""What every blueprint shares: errors, version prefix, hijack, frames, streams."""
