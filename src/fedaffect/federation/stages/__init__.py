"""The exchanges of a federation, one file each: its name, and what a client may answer.

The halves of a stage are `server/stages/NAME.py` and `client/stages/NAME.py`.
"""
