CREATE OR REPLACE FUNCTION {schema}.driftd_cells(counts bytea) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  at int; body bytea; kind int; found bigint[]; known bigint[]; unseen bigint[]; points int; width int; other bigint;
BEGIN
  -- MessagePack: an array of the version, the counts as bytes, and tallies for the checks
  IF length(counts) < 8 OR get_byte(counts, 0) & 240 <> 144 OR get_byte(counts, 1) <> 1 THEN
    RAISE EXCEPTION 'these are not stored counts that this version of driftd_cells reads';
  END IF;
  at := CASE get_byte(counts, 2) WHEN 196 THEN 4 WHEN 197 THEN 5 WHEN 198 THEN 7 END;
  IF at IS NULL OR get_byte(counts, at) <> 1 THEN
    RAISE EXCEPTION 'these are not stored counts that this version of driftd_cells reads';
  END IF;
  kind := get_byte(counts, at + 1);
  body := {schema}.driftd_inflate(substring(counts FROM at + 3));
  IF kind = ascii('N') THEN
    found := {schema}.driftd_vector(body, 64);
    points := (cardinality(found) - 1) / 2;
    SELECT array_agg(found[CASE WHEN i % 2 = 0 THEN points + i / 2 + 1 ELSE i / 2 + 1 END] ORDER BY i)
      INTO known FROM generate_series(0, 2 * points) AS i;
    RETURN 1::bigint || known;
  END IF;
  known := {schema}.driftd_vector(body, 44);
  unseen := {schema}.driftd_vector(body, 49 + get_byte(body, 44) * cardinality(known));
  SELECT sum(get_byte(body, b)::bigint << (8 * b)) INTO other FROM generate_series(0, 7) AS b;
  RETURN 2::bigint || known || (other + coalesce((SELECT sum(u) FROM unnest(unseen) AS u), 0))::bigint;
END $$
