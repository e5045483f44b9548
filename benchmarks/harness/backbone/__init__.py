"""A backbone that this project pretrains, against random weights of its shape."""
