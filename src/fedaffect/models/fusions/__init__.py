"""From one vector a modality to one vector an utterance."""
