#!/bin/sh
# Posts an event. Its id makes a repetition harmless, so that curl may try again: Labhook accepts the event once.
set -eu
curl --silent --show-error --fail-with-body --max-time 30 --retry 5 --retry-connrefused \
  "$LABHOOK_URL/api/v1/events" -H "Authorization: Bearer $LABHOOK_KEY" -H 'Content-Type: application/json' \
  -d '{"id": "exam-4711-scored", "type": "lab.scored", "consumer": "contoso",
       "data": {"Id": 998592321, "UserId": 5023932, "ExamPassed": true, "ExamScore": 9}}'
