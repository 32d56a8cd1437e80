import json
import os
import urllib.request

EVENT = {
    "id": "lab-998592321-displayable", "type": "lab.first_displayable", "consumer": "contoso", "data": {"Id": 998592321},
}


def wait(event):
    """Returns when the event's blocking webhooks have ended: 200. While they go on, the answer is 202, and posting
    the same event again waits on."""
    request = urllib.request.Request(
        os.environ["LABHOOK_URL"] + "/api/v1/events?wait=60", data=json.dumps(event).encode(),
        headers={"Authorization": "Bearer " + os.environ["LABHOOK_KEY"], "Content-Type": "application/json"})
    while True:
        with urllib.request.urlopen(request, timeout=90) as answer:  # raises on statuses from 400 on
            verdict = json.load(answer)
            if answer.status == 200:
                return verdict


verdict = wait(EVENT)
print(verdict["action"])  # continue, notify_user or end_lab
for text in verdict["notifications"]:
    print(text)  # for the lab's user
