"""The files of SageMaker Model Monitor: `statistics.json`, `constraints.json`, `constraint_violations.json`.

Their schemas are those of the developer guide's chapters "Schema for Statistics", "Schema for
Constraints" and "Schema for Violations". Nothing here talks to AWS.
"""
