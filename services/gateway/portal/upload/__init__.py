"""`/unggah`: monthly statistics for people without a program."""
