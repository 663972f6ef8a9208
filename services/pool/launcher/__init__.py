"""The launcher: the privileged parent of a pool, small enough to be read in one sitting."""
