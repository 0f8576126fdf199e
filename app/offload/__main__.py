"""`python -m offload` is the command `offload`."""

import sys

from offload.commands.main import main

sys.exit(main())
