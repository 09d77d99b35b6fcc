"""Relaying between servers: queue, routes, deliveries, reports."""
