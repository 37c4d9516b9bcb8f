"""The HTTP surface: one Flask blueprint per Docker resource, without a word of Kubernetes."""
