"""The tables of hardening.md from what hardening.py measured."""


def show(found):
    print(len(found))
