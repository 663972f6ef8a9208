"""The audit service: takes in the events of every service's spool, seals them and answers lookups."""
