"""Signals whose features are known because they were put in."""

import numpy as np


def moments(seconds, rate):
    """When samples are taken, in s: [time]."""
    return np.arange(round(seconds * rate)) / rate


def steady(bpm, seconds, start=0.4):
    """Times of beats."""
    return np.arange(start, seconds, 60 / bpm)


def pulse_wave(beats, seconds, rate):
    """A systolic peak at each beat and a dicrotic one 0.3 s after, 1 and 0.35 high."""
    return _bumps(beats, seconds, rate, ((0.0, 1.0, 0.08), (0.3, 0.35, 0.1)))


def ecg(beats, seconds, rate):
    """An R peak at each beat and a T wave 0.25 s after."""
    return _bumps(beats, seconds, rate, ((0.0, 1.0, 0.012), (0.25, 0.25, 0.05)))


def response(seconds, rate, onset, rise=0.3):
    """Skin conductance from 0 up to `rise` and back: a difference of exponentials (0.75 s, 2 s)."""
    since = np.clip(moments(seconds, rate) - onset, 0, None)
    shape = np.exp(-since / 2) - np.exp(-since / 0.75)
    highest = 0.75 * 2 / (2 - 0.75) * np.log(2 / 0.75)
    return rise * shape / (np.exp(-highest / 2) - np.exp(-highest / 0.75))


def _bumps(beats, seconds, rate, parts):
    time = moments(seconds, rate)[:, None] - np.asarray(beats)[None]
    return sum(
        height * np.exp(-0.5 * ((time - after) / width) ** 2).sum(axis=1)
        for after, height, width in parts
    )
