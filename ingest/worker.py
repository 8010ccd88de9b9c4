"""The process that runs one job beside a server: `python -m ingest.worker JOB`, settings on its input."""

import os
import signal
import sys

from ingest.wiring import open_ingestion
from rag.errors import AttestError
from rag.settings import Settings
from rag.wiring import open_system

NICENESS = 10  # questions go first


def main() -> int:
    """Run the job named on the command line; 0 when it ended as its record says."""
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(128 + signal.SIGTERM))
    os.nice(NICENESS)
    settings = Settings.model_validate_json(sys.stdin.read())
    with open_system(settings) as system:
        ingestion = open_ingestion(system)
        try:
            ingestion.run_job(int(sys.argv[1]))
        except AttestError:
            return 1  # the job's record has the reason
        finally:
            ingestion.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
