"""``python -m dnnexplain`` is the command ``dnnexplain``."""

import sys

from dnnexplain.cli import main

sys.exit(main())
