"""`python -m fedaffect` is `fedaffect`."""

from fedaffect.cli.main import main

main()
