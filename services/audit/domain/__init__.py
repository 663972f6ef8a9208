"""What an audit entry is: its leaf, its index columns, and the questions asked of it. Pure."""
