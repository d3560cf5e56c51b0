"""Runs that are asked for by what they are (`variants`), looked at before they begin (`checks`), kept."""
