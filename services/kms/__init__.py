"""The key service: keys, envelope encryption and the custody of the root key."""
