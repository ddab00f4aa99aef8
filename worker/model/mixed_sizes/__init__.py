"""One call of a network for pictures of different sizes, with the result that each picture has alone."""
