"""Gates: call a tool, or answer from what is known?"""
