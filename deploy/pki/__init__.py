"""`craton pki`: an offline certificate authority and the short-lived leaves of every workload."""
