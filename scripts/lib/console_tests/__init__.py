"""The console in a real browser: what comes of it, never how long it takes."""
