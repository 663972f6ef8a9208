"""What the agent does: keeps the sandbox up and every model of its provider loaded and answering."""
