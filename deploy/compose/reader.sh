#!/bin/sh
# A role that reads, for Grafana. What driftd makes from now on may be read by it: in this trial, tables too.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE driftd_read LOGIN PASSWORD 'driftd_read';
ALTER DEFAULT PRIVILEGES FOR ROLE driftd GRANT USAGE ON SCHEMAS TO driftd_read;
ALTER DEFAULT PRIVILEGES FOR ROLE driftd GRANT SELECT ON TABLES TO driftd_read;
SQL
