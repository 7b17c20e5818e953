"""Whether the running service is what its description says."""
