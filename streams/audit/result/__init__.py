"""The result of an audit, for the people who must act: a folder of files, and a summary on the terminal."""
