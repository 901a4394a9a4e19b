"""Figures of the evidence engine: simulated rollouts flown on the production formulas.

Decides which worlds and faults are simulated and holds each figure against its goal. Refuses to
hold a copy of any test: what decides in a rollout decides here, on arrays of rollouts.
"""
