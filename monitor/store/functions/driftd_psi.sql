CREATE OR REPLACE FUNCTION {schema}.driftd_psi(reference bigint[], current bigint[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  ends int[]; last CONSTANT int := cardinality(reference) - 2;
BEGIN
  PERFORM {schema}.driftd_add(reference, current);
  IF (SELECT sum(x) FROM unnest(reference[2:]) AS x) = 0 OR (SELECT sum(x) FROM unnest(current[2:]) AS x) = 0 THEN
    RETURN NULL;
  END IF;
  IF reference[1] = 1 THEN  -- ten cells of about equal reference mass, and what lies outside of its range
    WITH reached AS (
      SELECT i - 1 AS i, sum(x) OVER (ORDER BY i) AS r, sum(x) OVER () AS n FROM unnest(reference[2:]) WITH ORDINALITY AS t(x, i)
    ), cuts AS (
      SELECT (SELECT count(*) FROM reached WHERE 10 * r <= k * n) AS at FROM generate_series(1, 9) AS k
    )
    SELECT array_agg(DISTINCT e ORDER BY e) INTO ends FROM (
      SELECT 0 AS e UNION ALL SELECT last - 1 UNION ALL SELECT last
      UNION ALL SELECT least(greatest(at, 1), last)::int - 1 FROM cuts) AS found WHERE e >= 0;
  ELSE
    ends := ARRAY(SELECT generate_series(0, last));
  END IF;
  RETURN (
    WITH cells AS (
      SELECT width_bucket((i - 2)::int, ends) AS cell, sum(x) AS r, sum(y) AS c
      FROM unnest(reference[2:], current[2:]) WITH ORDINALITY AS t(x, y, i) GROUP BY 1
    ), shares AS (
      SELECT (r + 0.5)::float8 / (sum(r + 0.5) OVER ())::float8 AS p, (c + 0.5)::float8 / (sum(c + 0.5) OVER ())::float8 AS q
      FROM cells WHERE r > 0 OR c > 0
    )
    SELECT sum((q - p) * ln(q / p)) FROM shares
  );
END $$
