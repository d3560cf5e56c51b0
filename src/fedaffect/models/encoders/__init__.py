"""What reads a conversation: recurrent networks, graphs, memories; features in, a vector an utterance out."""
