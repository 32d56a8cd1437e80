#!/bin/sh
# Posts an event and prints what the lab is to do, once its blocking webhooks have ended: 200. While they go on, the
# answer is 202, and posting the same event again waits on.
set -eu
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
status=202
while [ "$status" = 202 ]; do
  status=$(curl --silent --show-error --fail --max-time 90 --retry 5 --retry-connrefused -o "$answer" -w '%{http_code}' \
    "$LABHOOK_URL/api/v1/events?wait=60" -H "Authorization: Bearer $LABHOOK_KEY" -H 'Content-Type: application/json' \
    -d '{"id": "lab-998592321-displayable", "type": "lab.first_displayable", "consumer": "contoso", "data": {"Id": 998592321}}')
done
sed -n 's/.*"action":"\([a-z_]*\)".*/\1/p' "$answer" # continue, notify_user or end_lab
