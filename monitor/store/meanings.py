"""What every column of the public views means, in the words that users read."""

from __future__ import annotations

WINDOW = {
    "model": "name of the model, as in the configuration",
    "window_start": "event time of the window's beginning, included",
    "window_end": "event time of the window's end, not included",
}
VERSION = {"model_version": "version of the model whose reference was compared with"}
SEGMENT = {"segment": "part of the log this row is about; empty for all of it"}
REFERENCE = {"reference_id": "the reference compared with: refs.id"}
NOTE = {"note": "why nothing can be said, or what to know about the figures; may be empty"}
EVALUATED = {"evaluated_at": "wall time of the judgement"}
MULTIPLE = {
    "multiple": "length of the window in the model's base windows (1, 2, 4 ...); "
    "ask for multiple = 1 to see every row of the log once"
}
CONFIG = {
    "config_hash": "the configuration in force then: configs.hash; null: that of the window which ends at "
    "the same time (window_history)"
}
VERDICTS = "inconclusive (too little data) or error (the test crashed); the last two never mean ok"

DRIFT = {
    "model": WINDOW["model"], **VERSION, **SEGMENT,
    "window_start": WINDOW["window_start"], "window_end": WINDOW["window_end"],
    "shift": "what moved: covariate (features), prior (predictions or labels) or concept (their relation)",
    "detector": "a test (ks, chi2) or distance (psi, js, tv, wasserstein) of a window; bbse, em: shares of "
    "the labels, estimated without them; adwin, ddm, hddm_a, hddm_w, page_hinkley, kswin: step through rows "
    "in order; e_detector: adds up evidence over windows; correlation: how features go together; residual: "
    "performance on labels against performance estimated without",
    "feature": "the column tested; prediction and label are columns too; "
    "where rows are stepped through the signal (loss, bias, mean of NAME, nulls of NAME), of residual the "
    "metric; empty for all pairs of features together",
    "statistic": "the detector's own figure: D of ks, the sum of chi2, a distance, the logarithm of the "
    "e_detector, the correlation now of the pair with the strongest evidence",
    "p_value": "probability of such a statistic without any drift, before correction; "
    "null for a distance or too little data",
    "adjusted_p": "p_value after Holm's correction over the window's features and tests",
    "effect": "least share of rows, 0 to 1, that must have moved: D for numeric features, "
    "total variation for categorical ones",
    "effect_low": "lower end of the effect's 95 percent confidence interval",
    "effect_high": "upper end of the effect's 95 percent confidence interval",
    "threshold": "what adjusted_p had to stay above (the alert budget spent on this window), "
    "or for a distance the threshold set by the user",
    "verdict": f"ok, warn, drift, {VERDICTS}",
    "n_reference": "values in the reference", "n_current": "values in the window",
    **REFERENCE, **NOTE, **EVALUATED, **MULTIPLE,
    "bound": "how far the statistic can be from its exact value because the grid was thinned; 0 when exact",
    "details": "the evidence in figures and words, as JSON (medians, categories)", **CONFIG,
}  # fmt: skip

COUNTS = {
    "model": WINDOW["model"], **SEGMENT,
    "feature": "the column counted; prediction, score and label are columns too",
    "window_start": WINDOW["window_start"], "window_end": WINDOW["window_end"],
    "reference_id": "the reference on whose grid they are: refs.id; counts on different ones do not add up",
    "counts": "the counts as stored: driftd_cells and driftd_sum read them",
    "windows": "how many windows these counts are of: more than 1 when they were added up to a day",
}  # fmt: skip

REF_COUNTS = {
    "reference_id": "the reference: refs.id",
    "feature": "the column counted",
    "counts": "the counts as stored: driftd_reference and driftd_cells read them",
}

QUALITY = {
    **WINDOW,
    "feature": "the column checked; empty for checks of the whole log",
    "check_name": "the check: missing_column, data_type, completeness, range, row_count, freshness, "
    "sample_ratio ...",
    "expected": "what the data dictionary or the reference asks for, in words",
    "observed": "what was found, in words",
    "failed_rows": "rows that break the rule", "total_rows": "rows looked at",
    "verdict": f"ok, warn, fail, {VERDICTS}",
    **SEGMENT, **VERSION,
    "dimension": "the dimension of data quality the check belongs to",
    "p_value": "of the checks that compare a share with the reference's; else null",
    **REFERENCE, **NOTE, **EVALUATED, **CONFIG,
}  # fmt: skip

PERFORMANCE = {
    **WINDOW,
    "metric": "accuracy, roc_auc, mae ...; figures about the labels themselves have no reference_value",
    "value": "the metric in this window",
    "is_estimate": "true when estimated without labels",
    "low": "lower end of the value's 95 percent confidence interval",
    "high": "upper end of the value's 95 percent confidence interval",
    "reference_value": "the metric on the reference",
    "labelled_rows": "rows whose label has come",
    "verdict": f"ok, warn, drift (outside the band, and not by chance), {VERDICTS}",
    **SEGMENT, **VERSION, **REFERENCE, **NOTE, **EVALUATED, **MULTIPLE,
    "p_value": "probability of a value so far from reference_value if the model were as good as there, "
    "before correction; null when nothing was tested",
    "adjusted_p": "p_value after Holm's correction over the metrics that may alarm",
    "band_low": "lower end of the band in which the value is tolerated",
    "band_high": "upper end of that band",
    "label_ratio": "share of the window's rows whose label has come; null when it had no rows",
    "direction": "worse or better than reference_value, however little; empty when neither can be said",
    "revision": "how often the value, its interval or its verdict has been published anew since; "
    "what was said before is in performance_revisions",
    **CONFIG,
}  # fmt: skip

REVISIONS = {
    **WINDOW,
    "metric": PERFORMANCE["metric"], "is_estimate": PERFORMANCE["is_estimate"],
    "revision": "0 for what was published first; performance_history has the latest",
    "value": "the metric as it was published then",
    "low": PERFORMANCE["low"], "high": PERFORMANCE["high"],
    "labelled_rows": "rows whose label had come by then",
    "verdict": PERFORMANCE["verdict"],
    "evaluated_at": "wall time of that judgement",
    **SEGMENT, **MULTIPLE,
}  # fmt: skip

LABELS = {
    **WINDOW,
    "rows": "rows of the window that were judged; 0 when it was not",
    "labelled": "predictions of the window whose label is known and was used",
    "label_ratio": "labelled / rows; null without rows; above 1 when rows came too late to be judged",
    "unusable": "predictions whose label is known, but cannot be used: the label or "
    "the prediction is missing or of a wrong kind",
    "duplicates": "labels that said again what was known",
    "corrected": "labels that said something else than before: the later one counts",
    "too_late": "labels that came after predictions of the window had been given up",
    "unmatched": "labels whose prediction has not come, by the time of the label",
    **SEGMENT,
}  # fmt: skip

EXPERIMENTS = {
    **WINDOW,
    "experiment": "name of the experiment", "kind": "split (rows dealt to the variants), input (a feature), "
    "prediction (a prediction or score), performance (on labels) or metric (the business metric)",
    "measure": "rows, the column, or the figure compared",
    "variant": "the treatment that this row is about", "control": "the variant compared with",
    "since": "event time: the rows of all windows from here to window_end are compared",
    "n_control": "rows or values of the control", "n_variant": "rows or values of the treatment",
    "control_value": "mean of the control; of split its share of the rows",
    "variant_value": "mean of the treatment; of split its share of the rows",
    "difference": "treatment less control; of split the treatment's share less the expected one; of input "
    "and prediction the share of rows that would have to move for both to look alike",
    "low": "lower end of the difference's interval, which holds at all looks together",
    "high": "upper end of it",
    "lift": "the difference in parts of the control's mean",
    "lift_low": "lower end of its interval, likewise",
    "lift_high": "upper end of it; null while the control's mean may be 0",
    "probability": "probability that this variant is the best of all, given the data and a prior; Bayesian: "
    "it is no guarantee at many looks",
    "log_evidence": "natural logarithm of the most evidence so far that the split is off, or that the column "
    "tells the variant; of split and columns only",
    "conclusion": "split and input: ok or fail; prediction: open or differs; performance and metric: "
    "better, worse, open (not shown yet) or invalid (the split or an input has failed); inconclusive: too "
    "little data",
    **REFERENCE, **VERSION, **NOTE, **EVALUATED, **CONFIG,
}  # fmt: skip
EXPERIMENT_WINDOWS = {
    **WINDOW,
    "experiment": EXPERIMENTS["experiment"], "kind": "rows, performance or metric",
    "measure": "rows (each counts as 1) or the figure", "variant": "the variant, the control too",
    "n": "values of the measure in the window", "total": "the sum of the values",
    "squares": "the sum of their squares",
}  # fmt: skip

CHALLENGER = {
    **WINDOW,
    "base": "the ensemble that learns online beside the model",
    "rule": "how its members abstain",
    "rows": "labelled rows that both were scored on",
    "production_error": "mean loss of the production model on them: for classes the share of wrong rows",
    "challenger_error": "the challenger's, on the same rows, each predicted before it was learned",
    "difference": "challenger_error - production_error: below 0 the challenger is better",
    "low": "lower end of the difference's 95 percent confidence interval",
    "high": "upper end of it; below 0: retraining is likely to help",
    "abstention_share": "mean share of its members that abstained; null without scored rows",
    "shed_rows": "labelled rows that were left out to stay within the challenger's time",
    "scored_rows": "rows, with label or without, that the challenger predicted",
}  # fmt: skip

ALERTS = {
    "alert_id": "names the incident, the same in every message about it",
    "model": WINDOW["model"],
    "shift": "covariate, prior, concept, performance or quality",
    "feature": "the column, or the signal or metric of concept and performance; empty for the whole model",
    "severity": "info, warning or critical",
    "status": "pending (bad, but not for long enough), firing or resolved",
    "opened_at": "event time: start of the first bad window",
    "fired_at": "event time: end of the window that made it fire; null while pending",
    "resolved_at": "event time: end of the window that resolved it; null before",
    "summary": "the evidence in one line",
    "notified": "true when some service has got a message about it",
    "notified_at": "wall time of the first message that was sent about it",
    "last_bad_at": "event time: end of the latest bad window",
    "bad_windows": "bad windows so far",
    "check_name": "the check, of quality alerts; realised or estimated, of performance alerts", **SEGMENT,
    "annotations": "the latest evidence as JSON",
    "model_version": "version of the model that the latest evidence is about",
    "reference_id": "the reference that the latest evidence was compared with: refs.id",
    "config_hash": "the configuration in force then: configs.hash",
}  # fmt: skip

WINDOWS = {
    **WINDOW,
    "rows": "rows that were judged",
    "late": "rows that came after the window had been closed: counted, in no verdict",
    "rejected": "rows of the window that could not be used",
    "labelled": "rows whose label had come when results on labels were last published; "
    "label_history has those of now",
    "closed_at": "wall time of the judgement; null when the window was empty and only late rows came",
    **SEGMENT, **VERSION, **REFERENCE,
    "config_hash": "the configuration in force at the judgement: configs.hash",
}  # fmt: skip

MODELS = {
    "model": WINDOW["model"],
    "registered_at": "wall time when driftd first met the model",
    "closed_until": "event time up to which its windows are judged",
    "reference_id": "its active reference: refs.id; null when there is none",
    "model_version": "version that the active reference was built for",
}
REFS = {
    "id": "names the reference in every result", "model": WINDOW["model"],
    "version": "version of the model it was built for",
    "rows": "rows it was built from", "source": "the file or query it was built from",
    "content_hash": "hash of what it holds: equal data give equal hashes",
    "built_at": "wall time of building", "active": "true for the one in use now",
    "data_version": "version of the training data, as it was given; else the SHA-256 of its file",
}  # fmt: skip
CONFIGS = {
    "hash": "names the configuration in every result; file and environment without secrets, SHA-256",
    "driftd_version": "version of driftd that ran with it last",
    "first_seen": "wall time when something first ran with it",
    "last_seen": "wall time when something last did, to a minute",
    "settings": "all that holds, defaults too, as JSON; secrets are ***",
}
LINEAGE = {
    **{name: ALERTS[name] for name in ("alert_id", "model", "shift", "feature", "opened_at", "summary")},
    "model_version": ALERTS["model_version"], "reference_id": ALERTS["reference_id"],
    "data_version": REFS["data_version"],
    "reference_source": REFS["source"], "reference_rows": REFS["rows"],
    "reference_hash": REFS["content_hash"], "reference_built_at": REFS["built_at"],
    "config_hash": ALERTS["config_hash"],
    "config_first_seen": CONFIGS["first_seen"], "driftd_version": CONFIGS["driftd_version"],
}  # fmt: skip
REJECTS = {
    "topic": "Kafka topic, or the file's name", "partition": "partition of the topic",
    "message_offset": "the message's place in the partition",
    "model": "model whose row it was; empty when that cannot be known",
    "reason": "what was wrong, as a short name to group by", "detail": "what was wrong, in words",
    "sample": "the message's first 1024 bytes", "at": "wall time of the reading",
}  # fmt: skip
GAPS = {
    "topic": "Kafka topic", "partition": "partition of the topic",
    "first_lost": "first offset that was wanted and no longer held",
    "next_available": "offset where reading went on", "at": "wall time of the discovery",
}  # fmt: skip
PARTITIONS = {
    "topic": "Kafka topic, or the name of a replayed file", "partition": "partition of the topic",
    "next_offset": "up to where it has been read: the offset of the next message",
    "log_end": "offset after the last message, as the broker last told; null when unknown",
    "lag": "messages that waited then",
    "process": "the process that reads it, as HOST/PID; null when none has since driftd notes it",
    "reads_since": "wall time at which that process began to read it",
    "beat_at": "wall time of its latest sign of life, one every ten seconds; old: nobody reads it",
}  # fmt: skip
