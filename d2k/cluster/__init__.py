"""The Kubernetes API, wrapped once: typed errors, time-outs, the watch-fed cache, exec, attach and log streams."""
