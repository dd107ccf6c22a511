"""The contract: events, state and policy as pydantic models; JSON Schema and AsyncAPI are generated from them."""
