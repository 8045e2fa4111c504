"""Who may enter, and what a refusal looks like: API keys, page sessions, the registry of people, problem details."""
