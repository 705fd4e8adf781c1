CREATE OR REPLACE FUNCTION {schema}.driftd_inflate(z bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- Inflates a zlib stream (RFC 1950, 1951) without its checksum: canonical codes, read bit by bit.
DECLARE
  base CONSTANT int[] := '{3,4,5,6,7,8,9,10,11,13,15,17,19,23,27,31,35,43,51,59,67,83,99,115,131,163,195,227,258}';
  extra CONSTANT int[] := '{0,0,0,0,0,0,0,0,1,1,1,1,2,2,2,2,3,3,3,3,4,4,4,4,5,5,5,5,0}';
  dist_base CONSTANT int[] := '{1,2,3,4,5,7,9,13,17,25,33,49,65,97,129,193,257,385,513,769,1025,1537,2049,3073,
    4097,6145,8193,12289,16385,24577}';
  dist_extra CONSTANT int[] := '{0,0,0,0,1,1,2,2,3,3,4,4,5,5,6,6,7,7,8,8,9,9,10,10,11,11,12,12,13,13}';
  code_order CONSTANT int[] := '{16,17,18,0,8,7,9,6,10,5,11,4,12,3,13,2,14,1,15}';
  size CONSTANT int := length(z);
  pos int := 2; hold bigint := 0; held int := 0; result bytea := ''; word bytea := '';
  is_last boolean := false; form int; n int; code int; first int; at int; bits int; sym int; many int;
  literals int; distances int; codes int; len int; far int; told int;
  lengths int[]; counts int[]; symbols int[]; d_counts int[]; d_symbols int[]; use_counts int[]; use_symbols int[];
  wanted int;  -- 0: the lengths of a dynamic block's codes, 1: a literal or length, 2: a distance
BEGIN
  WHILE NOT is_last LOOP
    WHILE held < 17 AND pos < size LOOP
      hold := hold | (get_byte(z, pos)::bigint << held); held := held + 8; pos := pos + 1;
    END LOOP;
    is_last := hold & 1 = 1; form := (hold >> 1) & 3; hold := hold >> 3; held := held - 3;
    IF form = 0 THEN  -- stored: back to the byte after what was taken
      pos := pos - held / 8; hold := 0; held := 0;
      n := get_byte(z, pos) + 256 * get_byte(z, pos + 1);
      result := result || substring(z FROM pos + 5 FOR n); pos := pos + 4 + n;
      CONTINUE;
    ELSIF form = 1 THEN
      lengths := array_fill(8, ARRAY[144]) || array_fill(9, ARRAY[112]) || array_fill(7, ARRAY[24])
        || array_fill(8, ARRAY[8]) || array_fill(5, ARRAY[30]);
      literals := 288; distances := 30;
    ELSIF form = 2 THEN
      WHILE held < 32 AND pos < size LOOP
        hold := hold | (get_byte(z, pos)::bigint << held); held := held + 8; pos := pos + 1;
      END LOOP;
      literals := 257 + (hold & 31); distances := 1 + ((hold >> 5) & 31); codes := 4 + ((hold >> 10) & 15);
      hold := hold >> 14; held := held - 14;
      lengths := array_fill(0, ARRAY[19]);
      FOR i IN 1..codes LOOP
        IF held < 3 THEN hold := hold | (get_byte(z, pos)::bigint << held); held := held + 8; pos := pos + 1; END IF;
        lengths[code_order[i] + 1] := hold & 7; hold := hold >> 3; held := held - 3;
      END LOOP;
      SELECT array_agg((SELECT count(*) FROM unnest(lengths) AS l WHERE l = b)::int ORDER BY b) INTO use_counts
        FROM generate_series(1, 15) AS b;
      SELECT array_agg((s - 1)::int ORDER BY l, s) INTO use_symbols FROM unnest(lengths) WITH ORDINALITY AS t(l, s) WHERE l > 0;
      lengths := '{}'; n := 0;
      WHILE n < literals + distances LOOP
        WHILE held < 32 AND pos < size LOOP
          hold := hold | (get_byte(z, pos)::bigint << held); held := held + 8; pos := pos + 1;
        END LOOP;
        code := 0; first := 0; at := 0; bits := 1;
        LOOP
          code := code | ((hold >> (bits - 1)) & 1); many := use_counts[bits];
          EXIT WHEN code - first < many;
          IF bits = 15 THEN RAISE EXCEPTION 'stored counts are damaged: no such code'; END IF;
          at := at + many; first := (first + many) << 1; code := code << 1; bits := bits + 1;
        END LOOP;
        sym := use_symbols[at + code - first + 1]; hold := hold >> bits; held := held - bits;
        IF sym < 16 THEN lengths := lengths || sym; n := n + 1;
        ELSE
          IF sym = 16 THEN told := lengths[n]; many := 3 + (hold & 3); bits := 2;
          ELSIF sym = 17 THEN told := 0; many := 3 + (hold & 7); bits := 3;
          ELSE told := 0; many := 11 + (hold & 127); bits := 7; END IF;
          hold := hold >> bits; held := held - bits;
          lengths := lengths || array_fill(told, ARRAY[many]); n := n + many;
        END IF;
      END LOOP;
    ELSE
      RAISE EXCEPTION 'stored counts are damaged: no such block';
    END IF;
    SELECT array_agg((SELECT count(*) FROM unnest(lengths[:literals]) AS l WHERE l = b)::int ORDER BY b),
           array_agg((SELECT count(*) FROM unnest(lengths[literals + 1:]) AS l WHERE l = b)::int ORDER BY b)
      INTO counts, d_counts FROM generate_series(1, 15) AS b;
    SELECT array_agg((s - 1)::int ORDER BY l, s) FILTER (WHERE s <= literals),
           array_agg((s - 1 - literals)::int ORDER BY l, s) FILTER (WHERE s > literals)
      INTO symbols, d_symbols FROM unnest(lengths) WITH ORDINALITY AS t(l, s) WHERE l > 0;
    wanted := 1; use_counts := counts; use_symbols := symbols;
    LOOP
      WHILE held < 40 AND pos < size LOOP
        hold := hold | (get_byte(z, pos)::bigint << held); held := held + 8; pos := pos + 1;
      END LOOP;
      code := 0; first := 0; at := 0; bits := 1;
      LOOP
        code := code | ((hold >> (bits - 1)) & 1); many := use_counts[bits];
        EXIT WHEN code - first < many;
        IF bits = 15 THEN RAISE EXCEPTION 'stored counts are damaged: no such code'; END IF;
        at := at + many; first := (first + many) << 1; code := code << 1; bits := bits + 1;
      END LOOP;
      sym := use_symbols[at + code - first + 1]; hold := hold >> bits; held := held - bits;
      IF wanted = 1 THEN
        IF sym < 256 THEN
          result := result || set_byte('\x00'::bytea, 0, sym);
        ELSIF sym = 256 THEN
          EXIT;
        ELSE
          n := extra[sym - 256]; len := base[sym - 256] + (hold & ((1 << n) - 1))::int;
          hold := hold >> n; held := held - n; wanted := 2; use_counts := d_counts; use_symbols := d_symbols;
        END IF;
      ELSE
        n := dist_extra[sym + 1]; far := dist_base[sym + 1] + (hold & ((1 << n) - 1))::int;
        hold := hold >> n; held := held - n; wanted := 1; use_counts := counts; use_symbols := symbols;
        word := substring(result FROM length(result) - far + 1 FOR least(far, len));
        IF len > far THEN word := substring(decode(repeat(encode(word, 'hex'), len / far + 1), 'hex') FOR len); END IF;
        result := result || word;
      END IF;
    END LOOP;
  END LOOP;
  RETURN result;
END $$
