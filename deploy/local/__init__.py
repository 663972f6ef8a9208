"""The local stack: environments, certificates, processes, bootstrap and sample of one machine."""
