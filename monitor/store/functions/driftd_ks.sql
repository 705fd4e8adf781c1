CREATE OR REPLACE FUNCTION {schema}.driftd_ks(reference bigint[], current bigint[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF reference[1] <> 1 THEN RAISE EXCEPTION 'driftd_ks compares numeric features; use driftd_psi'; END IF;
  PERFORM {schema}.driftd_add(reference, current);
  RETURN (
    SELECT max(abs(r::numeric * m - c::numeric * n)) / nullif(max(n)::numeric * max(m), 0)
    FROM (SELECT sum(x) OVER w AS r, sum(y) OVER w AS c, sum(x) OVER () AS n, sum(y) OVER () AS m
          FROM unnest(reference[2:], current[2:]) WITH ORDINALITY AS t(x, y, i) WINDOW w AS (ORDER BY i)) AS reached
  );
END $$
