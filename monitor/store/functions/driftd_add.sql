CREATE OR REPLACE FUNCTION {schema}.driftd_add(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF a IS NULL OR b IS NULL THEN RETURN coalesce(a, b); END IF;
  IF a[1] <> b[1] OR cardinality(a) <> cardinality(b) THEN
    RAISE EXCEPTION 'counts on different grids cannot be compared or added: group by feature and reference_id';
  END IF;
  RETURN a[1] || (SELECT array_agg(x + y ORDER BY i) FROM unnest(a[2:], b[2:]) WITH ORDINALITY AS t(x, y, i));
END $$;

CREATE OR REPLACE FUNCTION {schema}.driftd_add(a bigint[], b bytea) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT {schema}.driftd_add(a, {schema}.driftd_cells(b)) $$
