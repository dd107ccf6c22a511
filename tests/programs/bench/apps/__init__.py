"""Programs that the bench starts as processes of their own; some of them in another environment."""
