import json
import os
import time
import urllib.error
import urllib.request

# Its id makes a repetition harmless: Labhook accepts the event once.
EVENT = {
    "id": "exam-4711-scored", "type": "lab.scored", "consumer": "contoso",
    "data": {"Id": 998592321, "UserId": 5023932, "ExamPassed": True, "ExamScore": 9},
}


def post(event):
    request = urllib.request.Request(
        os.environ["LABHOOK_URL"] + "/api/v1/events", data=json.dumps(event).encode(),
        headers={"Authorization": "Bearer " + os.environ["LABHOOK_KEY"], "Content-Type": "application/json"})
    for wait in (1, 2, 4, 8, 16, None):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # 202: it is on disk
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if wait is None or error.code != 429 and error.code < 500:
                raise RuntimeError(f"{error.code}: {error.read().decode()}") from error
        except OSError:  # no answer came
            if wait is None:
                raise
        time.sleep(wait)


print(post(EVENT))
