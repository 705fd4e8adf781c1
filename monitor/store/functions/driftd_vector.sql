CREATE OR REPLACE FUNCTION {schema}.driftd_vector(body bytea, begins int) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- One vector of the wire form: bytes a number, how many numbers, the numbers, the lowest byte first.
SELECT coalesce(array_agg(
  CASE w WHEN 1 THEN get_byte(body, begins + 5 + i)::bigint
         WHEN 2 THEN get_byte(body, begins + 5 + 2 * i) + 256::bigint * get_byte(body, begins + 6 + 2 * i)
         ELSE (SELECT sum(get_byte(body, begins + 5 + w * i + b)::bigint << (8 * b))::bigint FROM generate_series(0, w - 1) AS b)
  END ORDER BY i), '{}')
FROM (SELECT get_byte(body, begins) AS w,
             get_byte(body, begins + 1) + 256 * get_byte(body, begins + 2) + 65536 * get_byte(body, begins + 3) AS n) AS head,
     generate_series(0, n - 1) AS i
$$
