"""Kafka by librdkafka, for streams that outgrow kafka-python. Nothing else imports confluent_kafka.

The package is an extra: import this one's modules only where ``kafka.client`` asks for them.
"""
