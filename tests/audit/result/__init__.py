"""The result of an audit: files, page and terminal."""
