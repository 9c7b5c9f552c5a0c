"""The portal without a network: what a phone stores, and the worker that answers from it."""
