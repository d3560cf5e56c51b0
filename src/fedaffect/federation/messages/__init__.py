"""All that crosses between the server and its clients: requests, replies, updates, and what was declared."""
