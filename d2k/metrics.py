"""The Prometheus metrics of the process; `/metrics` serves them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("d2k_requests_total", "Docker API requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("d2k_request_seconds", "Time until the answer's head was ready.", ["method", "route"])
STREAMS = Gauge("d2k_open_streams", "Long-lived connections to clients.", ["kind"])
KUBERNETES_REQUESTS = Counter(
    "d2k_kubernetes_requests_total", "Requests to the Kubernetes API.", ["verb", "resource", "status"]
)
KUBERNETES_SECONDS = Histogram(
    "d2k_kubernetes_request_seconds", "Time until the API server's head.", ["verb", "resource"]
)
RELISTS = Counter("d2k_reflector_lists_total", "Full lists made by a reflector.", ["resource"])
