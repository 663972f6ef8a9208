"""What a key is, how ciphertexts look and how they are made. No I/O."""
