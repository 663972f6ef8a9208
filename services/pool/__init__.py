"""An escrow pool: the launcher and agent outside the sandbox, and the model backends inside it."""
