"""Pure rules of a pool: names, the model server's files, back-off."""
