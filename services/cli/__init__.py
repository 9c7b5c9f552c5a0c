"""The command line `emall`: a module per group of commands.

A command imports the hub's modules inside its function: the whole hub with its numerical libraries
takes about three seconds to import, and most commands need little of it.
"""
