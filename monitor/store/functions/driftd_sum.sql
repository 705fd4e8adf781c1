CREATE OR REPLACE AGGREGATE {schema}.driftd_sum(counts bytea) (
  SFUNC = {schema}.driftd_add, STYPE = bigint[], COMBINEFUNC = {schema}.driftd_add, PARALLEL = SAFE
)
