"""Everybody with scores, for front ends and files.

who is wanted (`filters`), in which order (`sorting`) -> what is read from (`reading`) -> a page (`pages`) or all (`everybody`),
either of the same rows (`rows`)
"""
