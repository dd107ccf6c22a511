"""Where the probes and metrics of each server are, under every name that Kubernetes and NAIS ask for."""

LIVE = ("/livez", "/isAlive", "/internal/isalive")
READY = ("/readyz", "/isReady", "/internal/isready")
METRICS = ("/metrics", "/internal/metrics", "/internal/prometheus")
