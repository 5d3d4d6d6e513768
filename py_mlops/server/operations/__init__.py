"""What each route does: it takes its parameters, calls one command, and returns its answer."""
