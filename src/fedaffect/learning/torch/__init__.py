"""Networks in torch: the trainer, its objectives and optimisers; all of torch that learns is here."""
