"""MLflow: references from registered models, results for runs of their own. The only importer of mlflow.

It is imported where it is used, as it takes seconds. What it would tell its makers about its use is switched
off, and it tries less often than it would by itself, unless its own environment variables say otherwise.
"""

from __future__ import annotations

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
