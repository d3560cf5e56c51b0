"""`fedaffect evaluate`: a trained model judged on a corpus, its own or another one."""
