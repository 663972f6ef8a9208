"""What a customisation job is. No I/O."""
