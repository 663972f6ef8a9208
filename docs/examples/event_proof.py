"""Prove with boto3 alone that the audit log holds an event that CloudTrail's LookupEvents shows."""

import base64
import json
import os
import sys
import time

import boto3

# One more service model: the operations that AWS does not have. Nothing of boto3 is changed.
os.environ["AWS_DATA_PATH"] = "services/edge/models"
session = boto3.Session()
cloudtrail, audit = session.client("cloudtrail"), session.client("craton-audit")

record = json.loads(cloudtrail.lookup_events(MaxResults=1)["Events"][0]["CloudTrailEvent"])
while True:
    try:
        found = audit.get_event_proof(eventId=record["eventID"])
        break
    except audit.exceptions.ConflictException:  # taken in; the log's next checkpoint will cover it
        time.sleep(0.2)

# Everything that is needed to verify it, offline and without us: a file for `craton audit verify`.
members = {name: base64.b64encode(found[name]).decode() for name in ("entry", "event", "salt")}
print(json.dumps(members | {"proof": found["proof"]}))
print(record["eventName"], "by", record["userIdentity"].get("arn"), file=sys.stderr)
