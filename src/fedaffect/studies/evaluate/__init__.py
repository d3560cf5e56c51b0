"""`fedaffect evaluate`: a trained model evaluated on a corpus, its own or another one."""
