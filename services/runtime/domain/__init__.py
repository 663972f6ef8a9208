"""What runtime decides, without I/O."""
