"""The page: server-rendered, in bokmål, nynorsk and English; it works without scripts, and is live with them."""
