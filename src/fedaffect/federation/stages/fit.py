"""A client's learning in one round; what may be sent back is the algorithm's to declare."""

NAME = "fit"
