"""The agent's ways to the launcher, the model server, the key service, the object store and its sockets."""
