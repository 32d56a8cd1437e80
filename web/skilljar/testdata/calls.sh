# The example calls of Skilljar's document "Using Webhooks API" in its order. The document leaves addresses blank, and its
# page has lost braces and commas that JSON needs: these are filled in, and nothing else differs. A line that begins
# with #= is the status that the call must end with. TestExampleCalls runs them, with curl where there is one.
# $BASE is the server, $KEY an API key, $HOOK a receiver, and $ID the webhook that the latest POST has made.

# "An HTTP GET request will list the existing webhooks."
#= 200
curl -u "$KEY:" "$BASE/v1/webhooks"

# "An example JSON POST body looks like"
#= 201
curl -u "$KEY:" -X POST "$BASE/v1/webhooks" -H 'Content-Type: application/json' -d '{
    "target_url": "$HOOK/one",
    "active": true,
"event_type": "COURSE_ENROLLMENT" }'

# "or change the target_url"
#= 200
curl -u "$KEY:" -X PUT "$BASE/v1/webhooks/$ID" -H 'Content-Type: application/json' -d '{
    "target_url": "$HOOK/changed"
}'

# "You can POST JSON data, or form-encoded parameters"
#= 201
curl -u "$KEY:" -X POST "$BASE/v1/webhooks" -d 'target_url=$HOOK/form' -d 'active=true' -d 'event_type=COURSE_COMPLETION'

# "set up a webhook for a single event"
#= 201
curl -u "$KEY:" -X POST "$BASE/v1/webhooks" -H 'Content-Type: application/json' -d '{
"target_url": "$HOOK/single",
"active": true,
"event_type": "COURSE_ENROLLMENT"
}'

# "If you want to set up webhooks for all event types, simply leave the event_type field blank in your Post"
#= 201
curl -u "$KEY:" -X POST "$BASE/v1/webhooks" -H 'Content-Type: application/json' -d '{
"target_url": "$HOOK/all",
"active": true,
"event_type": ""
}'

# "An example Creation post with both of these configured"
#= 201
curl -u "$KEY:" -X POST "$BASE/v1/webhooks" -H 'Content-Type: application/json' -d '{
"target_url": "$HOOK/secured",
"active": true,
"event_type": "COURSE_ENROLLMENT",
"basic_auth_username": "customer_username_input",
"basic_auth_password": "customer_password_input",
"additional_headers": {
"x-my-new-header": "string",
"client_id": "examplestring2",
"client_secret": "abcdefg1234567"
}
}'

# "You can PING a webhook to send a test message"
#= 200
curl -u "$KEY:" -X POST "$BASE/v1/webhooks/$ID/ping"

# "Creating and managing": delete
#= 204
curl -u "$KEY:" -X DELETE "$BASE/v1/webhooks/$ID"
