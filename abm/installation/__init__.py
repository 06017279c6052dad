"""Running the product: set-up, supervisor, sample company, doctor."""
