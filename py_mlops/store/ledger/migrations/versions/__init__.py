"""The revisions, oldest first; each says what it changes and whom it does not disturb."""
