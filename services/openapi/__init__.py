"""What does the API say of itself? One OpenAPI document, for people and for the generators of clients."""
