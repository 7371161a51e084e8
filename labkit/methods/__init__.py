"""One file a technique; each notebook teaches one of them."""
