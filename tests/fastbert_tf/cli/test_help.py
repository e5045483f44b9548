"""The help of every command."""

import argparse

import tensorflow as tf
from command_line import fastbert

from fastbert_tf.cli.main import COMMANDS, parser_of


class HelpTest(tf.test.TestCase):
    def test_every_command_has_help(self):
        for command, summary in COMMANDS.items():
            code, out, _ = fastbert(command, "--help")
            self.assertEqual(code, 0, command)
            self.assertIn(summary[1:], " ".join(out.split()))

    def test_every_argument_has_help_with_its_default(self):
        for command, parser in subparsers().items():
            for action in parser._actions:
                name = f"{command} {action.option_strings or action.dest}"
                self.assertTrue(action.help and action.help.strip(), name)
                if action.default not in (None, False, argparse.SUPPRESS):
                    self.assertIn("%(default)s", action.help, name)
            parser.format_help()  # fails on a stray % in a help text


def subparsers():
    """The parsers of all commands, by name."""
    parser = parser_of(COMMANDS)
    return next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction)).choices


if __name__ == "__main__":
    tf.test.main()
