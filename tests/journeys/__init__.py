"""Whole paths, walked as their user walks them: the real program, a real mail server, a real browser."""
