CREATE OR REPLACE FUNCTION {schema}.driftd_reference(reference text, of_feature text) RETURNS bigint[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
SELECT {schema}.driftd_cells(counts) FROM {schema}.ref_counts WHERE reference_id = reference AND feature = of_feature
$$
