"""Materials that people ask for: the library, who asked, and what was sent."""
