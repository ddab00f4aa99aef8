"""Words and adapters that the API and the workers both speak; imports neither of them."""
