#!/bin/sh
# Says in one line what is wrong with the Python that the virtual environment is to be made with.
set -eu

python=${1:-}
if [ -z "$python" ]; then
    echo "No python3 was found. Install Python 3.11 or newer, or name one: make test PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python is $("$python" --version 2>&1), but Interject needs 3.11 or newer. Name one: make test PYTHON=/path/to/python3" >&2
    exit 1
fi
