"""State tables for analysts: what the checker's topics say, as tables, an API, files and a page."""
