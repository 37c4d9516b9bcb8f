"""d2k serves the Docker Engine API from one namespace of a Kubernetes cluster."""

__version__ = "0.1.0"
